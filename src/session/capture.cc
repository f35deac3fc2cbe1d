// SPDX-License-Identifier: Apache-2.0
#include "session/capture.h"

#include "container/affinity.h"
#include "container/cgroup.h"
#include "session/parts.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

Result<void> capture_affinity(store::CheckpointWriter& writer, const container::RuncState& state) {
  const std::string allowed = REPRISE_PASS(container::Cgroup(state.cgroup_paths).allowed_cpus());
  const auto pinned = container::pinned_threads("/proc", state.init.pid, allowed);
  if (pinned.empty()) return {};
  const auto part = REPRISE_PASS(writer.part(kAffinityPart));
  REPRISE_TRY(sys::replace_file(part, container::encode_affinity(pinned)), "saving CPU affinity");
  return {};
}

}  // namespace reprise::session
