// SPDX-License-Identifier: Apache-2.0
#include "session/promise.h"

#include "base/fault.h"
#include "container/joined_namespaces.h"
#include "host/continuation_note.h"
#include "host/layout.h"
#include "host/request.h"
#include "network/network.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "session/freeze.h"
#include "session/promised_signal.h"
#include "session/unix_peers.h"

namespace reprise::session {

using base::Result;

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
      note(network::remove_criu_locks(container::network_of(*spec, *state)));
  }
  note(base::fault_point("rollback-unlocked"));
  if (state) note(host::remove_note_of(state->bundle, request.session));
  note(store.sweep());
  if (state) note(deliver_signal(layout, request));
  return first;
}

}  // namespace reprise::session
