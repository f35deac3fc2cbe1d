// SPDX-License-Identifier: Apache-2.0
#include "session/freeze.h"

#include <algorithm>

#include "container/cgroup.h"
#include "oci/state.h"
#include "session/undo/journal.h"
#include "sys/exists.h"

namespace reprise::session {

using base::Result;

namespace {

// Also where that is not known.
bool may_have_frozen(const host::Layout& layout, const host::WorkerRequest& request) {
  const auto steps = undo::Journal(layout, request.session).load();
  if (!steps) return true;
  if (*steps) return std::ranges::find(**steps, undo::Step(undo::Frozen())) != (*steps)->end();
  // The note of a version that kept no journal.
  return sys::exists(layout.session_run_directory(request.session) / "freezes").value_or(true);
}

}  // namespace

Result<void> note_freeze(const host::Layout& layout, const host::WorkerRequest& request) {
  return undo::Journal(layout, request.session).write(undo::Frozen());
}

Result<void> thaw(const host::Layout& layout, const host::WorkerRequest& request) {
  if (!may_have_frozen(layout, request)) return {};
  const auto state = host::runtime_of(layout, request).state_of(request.container);
  if (!state && state.error().code() == base::ErrorCode::kNotFound) return {};
  return container::Cgroup(REPRISE_PASS(state).cgroup_paths).thaw();
}

}  // namespace reprise::session
