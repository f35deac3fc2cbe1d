// SPDX-License-Identifier: Apache-2.0
//
// What a container shares with others, the members of a pod, and what becomes of it while one of
// them, or all, are away: connections between them, and the memory in /dev/shm.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "network/connection_hold.h"
#include "network/network.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Both with the container's tasks stopped. No part is written where nothing is shared.
base::Result<std::vector<network::Connection>> capture_neighbours(
    store::CheckpointWriter& writer, const network::HoldRequest& request);
base::Result<void> capture_shared_memory(store::CheckpointWriter& writer, const oci::Spec& spec);

// Before the container's sockets are made again: holds its connections to others, and ends what an
// attempt that was killed has left of its own ends.
base::Result<void> hold_neighbours(const Context& context, store::CheckpointReader& reader,
                                   const network::NetworkNamespace& network);

// Its sockets are live: connections of which both ends are there go on. Those whose other end
// belongs to nobody who could still be restored are ended. Logs what fails.
void settle_neighbours(Context& context, store::CheckpointReader& reader,
                       const network::NetworkNamespace& network);

// Fills the /dev/shm that `spec` shares with others, unless it is still that of the checkpoint, or
// another member has filled it, from the newest copy that any of the members made. Does nothing
// for a container that shares none. kUnsupported if others have begun to use it for something else.
// A restore that fails empties it again, unless another member counts on it by then.
base::Result<void> fill_shared_memory(Context& context, store::CheckpointReader& reader,
                                      const oci::Spec& spec);

}  // namespace reprise::session
