// SPDX-License-Identifier: Apache-2.0
#include "session/seal_hold.h"

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "base/log.h"
#include "container/cgroup.h"
#include "container/joined_namespaces.h"
#include "container/task_tree.h"
#include "host/layout.h"
#include "host/request.h"
#include "network/network.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/freeze.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;

namespace {

Result<std::string> proc_status_of(pid_t pid) {
  return sys::read_file("/proc/" + std::to_string(pid) + "/status");
}

// The kernel lets all go at once that a tracer held when it ends: one of them stands for all.
Result<void> require_traced(const sys::ProcessRef& init) {
  const std::string tracer =
      container::status_field(REPRISE_PASS(proc_status_of(init.pid)), "TracerPid");
  if (!tracer.empty() && tracer != "0" && sys::is_alive(init)) return {};
  return base::fail(ErrorCode::kGone, "CRIU ended before the checkpoint was sealed");
}

}  // namespace

Result<void> hold_for_seal(const oci::State& state) {
  // Traced tasks stand still at once.
  constexpr std::chrono::seconds kPatience{5};
  const container::Cgroup cgroup(state.cgroup_paths);
  REPRISE_TRY(cgroup.freeze(kPatience), "holding the dumped tasks");
  Result<void> held = require_traced(state.init);
  if (held) return {};
  return std::unexpected(cgroup.thaw_after(std::move(held).error()));
}

Result<bool> end_sealed_tasks(const oci::State& state) {
  const container::Cgroup cgroup(state.cgroup_paths);
  if (!REPRISE_PASS(cgroup.holds_tasks())) return false;
  REPRISE_TRY(cgroup.end_frozen(), "ending the sealed tasks");
  return true;
}

DumpedTasks settle_tasks(const host::Layout& layout, const host::WorkerRequest& request,
                         bool sealed) {
  const auto settle = [&]() -> Result<DumpedTasks> {
    if (!sealed) {
      REPRISE_PASS(thaw(layout, request));
      return DumpedTasks::kRunOn;
    }
    const auto state = host::runtime_of(layout, request).state_of(request.container);
    if (!state && state.error().code() == ErrorCode::kNotFound) return DumpedTasks::kEnded;
    return REPRISE_PASS(end_sealed_tasks(REPRISE_PASS(state))) ? DumpedTasks::kEnded
                                                               : DumpedTasks::kRunOn;
  };
  const Result<DumpedTasks> tasks = settle();
  if (tasks) return *tasks;
  base::log(LogLevel::kError, "the container stands still", {{"error", tasks.error().details()}});
  return sealed ? DumpedTasks::kUnknown : DumpedTasks::kRunOn;
}

void end_sealed_container(const oci::State& state, const oci::Spec& spec) {
  if (lives(state)) {
    // CRIU could not end the tasks after the seal. The checkpoint is the truth now.
    base::log(LogLevel::kWarn, "the container outlived its checkpoint, ending it");
    const container::Cgroup cgroup(state.cgroup_paths);
    base::warn_and_ignore(cgroup.end_frozen(),
                          "ending all but the first task is left to the kernel");
    if (const auto pidfd = sys::open_pidfd(state.init.pid); pidfd && sys::is_alive(state.init))
        [[maybe_unused]]
      const auto sent = sys::send_signal(*pidfd, SIGKILL);
    [[maybe_unused]] const auto thawed = cgroup.thaw();
  }
  if (!spec.has_network_namespace) return;
  // A namespace that Podman is about to remove keeps the lock: without it, the kernel would answer
  // peers with a reset between the end of the tasks and the end of the namespace.
  const std::filesystem::path ns = container::network_of(spec, state);
  if (!network::is_inhabited(ns)) return;
  base::warn_and_ignore(network::remove_criu_locks(ns),
                        "CRIU's network lock may have been left behind");
}

bool lives(const oci::State& state) {
  if (!sys::is_alive(state.init)) return false;
  const auto status = proc_status_of(state.init.pid);
  // Without memory of its own: the first thing that it gives back (mm, do_exit()).
  return !status || !container::status_field(*status, "VmSize").empty();
}

}  // namespace reprise::session
