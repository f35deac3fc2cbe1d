// SPDX-License-Identifier: Apache-2.0
//
// What a container set up in its network namespace, which is a new one in its next life.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "container/network.h"
#include "container/oci_spec.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Before the tasks are stopped. No part is written where nothing was changed, nor for the network
// of the host.
base::Result<void> capture_network_state(store::CheckpointWriter& writer,
                                         const container::OciSpec& spec,
                                         const container::NetworkNamespace& ns);

// Before CRIU makes sockets, some of which need it: what `spec` asks for, and then what the
// container had changed. `session` gets a note of how it was before, for undo. Returns what could
// not be given back, in words for people; empty if all was. Does nothing to the network of the
// host.
base::Result<std::string> restore_network_state(store::CheckpointReader& reader,
                                                const container::OciSpec& spec,
                                                const container::NetworkNamespace& ns,
                                                const std::filesystem::path& session);
// Takes that back, for a restore that failed. Success also if nothing was done.
base::Result<void> undo_network_state(const container::NetworkNamespace& ns,
                                      const std::filesystem::path& session);

// Addresses that were adopted have been released: the one setting that this changes is again as the
// container wanted it.
base::Result<void> settle_network_state(store::CheckpointReader& reader,
                                        const container::NetworkNamespace& ns);

}  // namespace reprise::session
