// SPDX-License-Identifier: Apache-2.0
#include "session/promise.h"

#include <chrono>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "base/fault.h"
#include "base/log.h"
#include "container/cgroup.h"
#include "container/continuation_note.h"
#include "container/joined_namespaces.h"
#include "container/network.h"
#include "session/unix_peers.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;

Result<void> deliver_signal(const container::Layout& layout,
                            const container::WorkerRequest& request) {
  const auto delivered = layout.session_run_directory(request.session) / "signal-delivered";
  std::error_code unknown;
  if (request.signal == 0 || std::filesystem::exists(delivered, unknown)) return {};
  std::vector<std::string> argv = {layout.runc.string()};
  argv.insert(argv.end(), request.runtime_args.begin(), request.runtime_args.end());
  argv.insert(argv.end(), {"kill", request.container.str(), std::to_string(request.signal)});
  constexpr std::chrono::seconds kLimit{20};
  REPRISE_TRY(sys::run_ok(std::move(argv), kLimit),
              "delivering signal " + std::to_string(request.signal));
  // For whoever settles this session if we are killed next: an application that gets its stop
  // signal twice may take that for an order to end at once.
  REPRISE_PASS(sys::replace_file(delivered, ""));
  return base::fault_point("signal-delivered");
}

namespace {

// On the same file system as all else of the session: a host that goes down forgets both this and
// what was frozen.
std::filesystem::path freeze_note(const container::Layout& layout,
                                  const container::WorkerRequest& request) {
  return layout.session_run_directory(request.session) / "freezes";
}

}  // namespace

Result<void> note_freeze(const container::Layout& layout, const container::WorkerRequest& request) {
  return sys::replace_file(freeze_note(layout, request), "");
}

Result<void> thaw(const container::Layout& layout, const container::WorkerRequest& request) {
  std::error_code unknown;
  if (!std::filesystem::exists(freeze_note(layout, request), unknown) && !unknown) return {};
  const auto state = container::load_runc_state(request.runtime_args, request.container);
  if (!state && state.error().code() == base::ErrorCode::kNotFound) return {};
  return container::Cgroup(REPRISE_PASS(state).cgroup_paths).thaw();
}

std::filesystem::path network_of(const container::OciSpec& spec,
                                 const container::RuncState& state) {
  if (!spec.network_namespace_path.empty())
    return container::network_path_of(spec.network_namespace_path, state.init.pid);
  return "/proc/" + std::to_string(state.init.pid) + "/ns/net";
}

Result<void> restore_promise(const container::Layout& layout,
                             const container::WorkerRequest& request,
                             store::CheckpointStore& store) {
  Result<void> first{};
  const auto note = [&first](const auto& result) {
    if (!result && first) first = std::unexpected(result.error());
  };
  const auto state = container::load_runc_state(request.runtime_args, request.container);
  if (state) {
    reconnect_unix_peers(layout.session_directory(request.session), state->init.pid);
    note(thaw(layout, request));
    const auto spec = container::load_oci_spec(state->bundle);
    note(spec);
    if (spec && spec->has_network_namespace)
      note(container::remove_criu_locks(network_of(*spec, *state)));
  }
  note(base::fault_point("rollback-unlocked"));
  if (state) note(container::remove_note_of(state->bundle, request.session));
  note(store.sweep());
  if (state) note(deliver_signal(layout, request));
  return first;
}

void end_sealed_container(const container::RuncState& state, const container::OciSpec& spec) {
  if (sys::is_alive(state.init)) {
    // CRIU could not end the tasks after the seal. The checkpoint is the truth now.
    base::log(LogLevel::kWarn, "the container outlived its checkpoint, ending it");
    if (const auto pidfd = sys::open_pidfd(state.init.pid)) [[maybe_unused]]
      const auto sent = sys::send_signal(*pidfd, SIGKILL);
    [[maybe_unused]] const auto thawed = container::Cgroup(state.cgroup_paths).thaw();
  }
  if (!spec.has_network_namespace) return;
  // A namespace that Podman is about to remove keeps the lock: without it, the kernel would answer
  // peers with a reset between the end of the tasks and the end of the namespace.
  const std::filesystem::path ns = network_of(spec, state);
  if (!container::is_inhabited(ns)) return;
  base::warn_and_ignore(container::remove_criu_locks(ns),
                        "CRIU's network lock may have been left behind");
}

}  // namespace reprise::session
