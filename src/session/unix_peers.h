// SPDX-License-Identifier: Apache-2.0
//
// UNIX sockets that lead out of a container (attributes/unix_peers.h), around a dump and a restore.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/result.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// With the tasks stopped, before CRIU looks: takes the connections away that can be made again, and
// writes a part that says which, and a note for reconnect_unix_peers().
base::Result<void> disconnect_unix_peers(const Context& context, store::CheckpointWriter& writer,
                                         pid_t init);

// The tasks are to run on: makes them again. Success also if none was taken away. Logs what fails:
// the program sees it when it sends.
void reconnect_unix_peers(const std::filesystem::path& session, pid_t init);

// The tasks of a restore exist and wait: makes them again. Logs what fails.
void restore_unix_peers(store::CheckpointReader& reader, pid_t init);

}  // namespace reprise::session
