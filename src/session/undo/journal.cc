// SPDX-License-Identifier: Apache-2.0
#include "session/undo/journal.h"

#include <cerrno>
#include <utility>

#include "base/fault.h"
#include "sys/files.h"

namespace reprise::session::undo {

using base::Result;

Journal::Journal(const host::Layout& layout, const base::SessionId& session)
    : file_(layout.session_run_directory(session) / "undo.json") {}

Result<void> Journal::write(const Step& step) const {
  auto steps = REPRISE_PASS(load()).value_or(std::vector<Step>());
  steps.push_back(step);
  REPRISE_TRY(replace(steps), "noting how to take '" + name_of(step) + "' back");
  return base::fault_point("noted-" + name_of(step));
}

Result<std::optional<std::vector<Step>>> Journal::load() const {
  const auto text = sys::read_file(file_);
  if (!text && text.error().error_number() == ENOENT) return std::nullopt;
  return REPRISE_TRY(decode(REPRISE_PASS(text)), "reading '" + file_.string() + "'");
}

Result<void> Journal::replace(const std::vector<Step>& steps) const {
  return sys::replace_file(file_, encode(steps));
}

}  // namespace reprise::session::undo
