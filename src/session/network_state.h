// SPDX-License-Identifier: Apache-2.0
//
// What a container set up in its network namespace, which is a new one in its next life: its
// settings (sysctls), links, addresses, routes, rules and firewall.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "network/network.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Before the tasks are stopped. No part is written where nothing was changed, nor for the network
// of the host. kUnsupported if something of it could not be given back; the error names it.
base::Result<void> capture_network_state(const Context& context, store::CheckpointWriter& writer,
                                         const oci::Spec& spec,
                                         const network::NetworkNamespace& ns);

// Before CRIU makes sockets, some of which need it: what `spec` asks for, and then what the
// container had changed. Notes how it was before, for undo and for the next checkpoint. Returns
// what could not be given back, in words for people; empty if all was. Does nothing to the network
// of the host.
base::Result<std::string> restore_network_state(const Context& context,
                                                store::CheckpointReader& reader,
                                                const oci::Spec& spec,
                                                const network::NetworkNamespace& ns);
// Takes that back, for a restore that failed. Success also if nothing was done.
base::Result<void> undo_network_state(const Context& context, const network::NetworkNamespace& ns);

// The addresses of the checkpoint that are not its programs' own doing: those that may have to be
// adopted.
base::Result<std::vector<std::string>> addresses_to_adopt(store::CheckpointReader& reader);

// Addresses that were adopted have been released: the one setting that this changes is again as the
// container wanted it.
base::Result<void> settle_network_state(store::CheckpointReader& reader,
                                        const network::NetworkNamespace& ns);

}  // namespace reprise::session
