// SPDX-License-Identifier: Apache-2.0
#include "session/promise.h"

#include <string>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "container/cgroup.h"
#include "container/joined_namespaces.h"
#include "host/continuation_note.h"
#include "host/layout.h"
#include "host/request.h"
#include "network/network.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/unix_peers.h"
#include "sys/files.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;

Result<void> deliver_signal(const host::Layout& layout, const host::WorkerRequest& request) {
  const auto delivered = layout.session_run_directory(request.session) / "signal-delivered";
  std::error_code unknown;
  const int signal = request.is_restore() ? 0 : request.checkpoint().signal;
  if (signal == 0 || std::filesystem::exists(delivered, unknown)) return {};
  REPRISE_PASS(host::runtime_of(layout, request).kill(request.container, signal));
  // For whoever settles this session if we are killed next: an application that gets its stop
  // signal twice may take that for an order to end at once.
  REPRISE_PASS(sys::replace_file(delivered, ""));
  return base::fault_point("signal-delivered");
}

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

void disown(const host::Layout& layout, const host::WorkerRequest& request,
            catalog::Catalog* catalog) {
  const auto state = host::runtime_of(layout, request).state_of(request.container);
  const auto note = [](const Result<void>& result, const char* what) {
    if (!result) base::log(LogLevel::kError, what, {{"error", result.error().details()}});
  };
  note(state ? host::write_note(state->bundle, {.state = host::ContinuationNote::State::kDropped,
                                                .time = base::now_unix_millis()})
             : std::unexpected(state.error()),
       "the container's directory does not tell that it ran on");
  if (catalog != nullptr)
    note(catalog->drop_continuation(host::key_of(request)), "the continuation was not dropped");
}

std::filesystem::path network_of(const oci::Spec& spec, const oci::State& state) {
  if (!spec.network_namespace_path.empty())
    return container::network_path_of(spec.network_namespace_path, state.init.pid);
  return "/proc/" + std::to_string(state.init.pid) + "/ns/net";
}

Result<void> restore_promise(const host::Layout& layout, const host::WorkerRequest& request,
                             store::CheckpointStore& store) {
  Result<void> first{};
  const auto note = [&first](const auto& result) {
    if (!result && first) first = std::unexpected(result.error());
  };
  const auto state = host::runtime_of(layout, request).state_of(request.container);
  if (state) {
    reconnect_unix_peers(layout.session_directory(request.session), state->init.pid);
    note(thaw(layout, request));
    const auto spec = oci::load_spec(state->bundle);
    note(spec);
    if (spec && spec->has_network_namespace)
      note(network::remove_criu_locks(network_of(*spec, *state)));
  }
  note(base::fault_point("rollback-unlocked"));
  if (state) note(host::remove_note_of(state->bundle, request.session));
  note(store.sweep());
  if (state) note(deliver_signal(layout, request));
  return first;
}

}  // namespace reprise::session
