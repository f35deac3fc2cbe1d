// SPDX-License-Identifier: Apache-2.0
#include "session/freeze.h"

#include <filesystem>
#include <system_error>

#include "container/cgroup.h"
#include "oci/state.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

namespace {

// On the same file system as all else of the session: a host that goes down forgets both this and
// what was frozen.
std::filesystem::path freeze_note(const host::Layout& layout, const host::WorkerRequest& request) {
  return layout.session_run_directory(request.session) / "freezes";
}

}  // namespace

Result<void> note_freeze(const host::Layout& layout, const host::WorkerRequest& request) {
  return sys::replace_file(freeze_note(layout, request), "");
}

Result<void> thaw(const host::Layout& layout, const host::WorkerRequest& request) {
  std::error_code unknown;
  if (!std::filesystem::exists(freeze_note(layout, request), unknown) && !unknown) return {};
  const auto state = host::runtime_of(layout, request).state_of(request.container);
  if (!state && state.error().code() == base::ErrorCode::kNotFound) return {};
  return container::Cgroup(REPRISE_PASS(state).cgroup_paths).thaw();
}

}  // namespace reprise::session
