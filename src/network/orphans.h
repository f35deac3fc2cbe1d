// SPDX-License-Identifier: Apache-2.0
//
// Sockets of restored tasks that are ended before they ran. The kernel tells the peers of a process
// which ends that it has closed its connections, and keeps its own end of each as an orphan for
// minutes: peers would give up what the next attempt is to go on with, and that attempt could not
// make the connection again.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "network/connection_hold.h"
#include "network/network.h"

namespace reprise::network {

// From here on the TCP sockets of the processes below `init` end without a word and without an
// orphan; to be followed by the end of these processes, which can no longer use them. Of those that
// have ended already, nothing. Tries all, then returns the first error.
base::Result<void> silence_sockets(const std::filesystem::path& proc, pid_t init);

// Pure: of `present`, what no process has open and is one of `ours`.
std::vector<Connection> orphans_among(const std::vector<Connection>& present,
                                      const std::vector<Connection>& ours);
// Ends the orphans that are one of `ours`, or all of a namespace in which nobody lives. Their peers
// are told, if nothing holds that back. Before Linux 6.12 the kernel leaves them there.
base::Result<void> end_orphans(const NetworkNamespace& network,
                               const std::vector<Connection>& ours);
base::Result<void> end_all_orphans(const NetworkNamespace& network);

// Destroys these sockets: their owners see an error at once.
base::Result<void> destroy_sockets(const NetworkNamespace& network,
                                   const std::vector<Connection>& connections);

}  // namespace reprise::network
