// SPDX-License-Identifier: Apache-2.0
#include "session/promised_signal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "session/undo/journal.h"

namespace reprise::session {

using base::Result;

namespace {

bool is_owed(const std::vector<undo::Step>& steps) {
  return std::ranges::find(steps, undo::Step(undo::SignalPromised())) != steps.end();
}

}  // namespace

Result<void> deliver_signal(const host::Layout& layout, const host::WorkerRequest& request) {
  const undo::Journal journal(layout, request.session);
  const int signal = request.is_restore() ? 0 : request.checkpoint().signal;
  auto steps = journal.load();
  if (signal == 0 || (steps && *steps && !is_owed(**steps))) return {};
  REPRISE_PASS(host::runtime_of(layout, request).kill(request.container, signal));
  // For whoever settles this session if we are killed next: an application that gets its stop
  // signal twice may take that for an order to end at once.
  auto left = REPRISE_PASS(std::move(steps)).value_or(std::vector<undo::Step>());
  std::erase(left, undo::Step(undo::SignalPromised()));
  REPRISE_PASS(journal.replace(left));
  return base::fault_point("signal-delivered");
}

}  // namespace reprise::session
