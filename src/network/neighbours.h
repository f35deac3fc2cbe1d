// SPDX-License-Identifier: Apache-2.0
//
// Connections between containers that share a network namespace, as the members of a pod do.
//
// Such a connection has both ends in one kernel. While one container is away, that kernel would
// answer what the other end sends with a reset. So both directions of the connection are dropped
// inside the namespace, in a table as connection_hold.h makes them on the host, from before the
// first end vanishes until both are there; TCP sends again.
//
// Drives ss and nft inside the namespace; blocks for some milliseconds. Only one session at a time
// may work in a namespace that is shared: see lock_network.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "network/connection_hold.h"
#include "network/network.h"
#include "sys/file_lock.h"

namespace reprise::network {

// If others than `ours` live in `network`: keeps sessions of theirs away as long as it is held,
// since CRIU's lock and ours close the namespace for all. Waits up to `patience`, then kBusy.
// nullopt, at the cost of a look into /proc, if nobody else is there.
base::Result<std::optional<sys::FileLock>> lock_network(const NetworkNamespace& network,
                                                        const std::vector<pid_t>& ours,
                                                        std::chrono::milliseconds patience);

// For a part of a checkpoint. decode: kCorrupt for what encode did not write.
std::string encode_connections(const std::vector<Connection>& connections);
base::Result<std::vector<Connection>> decode_connections(std::string_view text);

// Seen from the other end; its inode is unknown.
Connection reversed(const Connection& connection);

// The connections that are held in one table.
struct Held {
  std::string table;
  std::vector<Connection> connections;  // whose local end the packets are for
};
// Pure: our tables in the output of `nft --json list sets`. kInternal for what is not that.
base::Result<std::vector<Held>> parse_held(std::string_view nft_json);

// Pure: of `ours` (all inside the namespace), those whose other end a process other than the owners
// of `own_sockets` has open in `all`, or is held by another container that is away.
std::vector<Connection> choose_neighbours(const std::vector<Connection>& all,
                                          const std::set<std::uint64_t>& own_sockets,
                                          const std::vector<std::string>& own_addresses,
                                          const std::vector<Held>& held);

// Pure: an nft script that removes `connections`, either direction, from all of `held`, and the
// tables which are empty then. Empty if there is nothing to do.
std::string release_script(const std::vector<Held>& held,
                           const std::vector<Connection>& connections);

// Of the container's processes, the connections to other containers in its namespace.
base::Result<std::vector<Connection>> neighbour_connections(const HoldRequest& request);

// Holds `connections` of the container, both directions; replaces its earlier hold there.
base::Result<void> hold_neighbours(const base::ContainerKey& container,
                                   const NetworkNamespace& network,
                                   const std::vector<Connection>& connections);

// Pure: of `connections`, those of which no process has either end in `present`.
std::vector<Connection> without_ends(const std::vector<Connection>& connections,
                                     const std::vector<Connection>& present);
// The container's ends are away again. What it holds of connections whose other end is there stays
// held: that end waits for the next attempt, or is told by end_neighbours() that there is none. The
// rest goes, and what others hold is left alone. Success also if nothing was held.
base::Result<void> drop_hold(const base::ContainerKey& container, const NetworkNamespace& network);

// Lets packets pass on all connections, whoever held them, of which both ends are there, and
// removes tables whose time has run out. Returns those of `ours` whose other end is missing.
base::Result<std::vector<Connection>> release_complete(const NetworkNamespace& network,
                                                       const std::vector<Connection>& ours);

// Ends connections whose other end does not come back: the owner sees an error at once.
base::Result<void> end_connections(const NetworkNamespace& network,
                                   const std::vector<Connection>& connections);

// The container's ends are gone for good: ends the connections that it held. A reset alone would
// not reach a peer that has nothing to send. Success also if nothing was held.
base::Result<void> end_neighbours(const base::ContainerKey& container,
                                  const NetworkNamespace& network);
// The container's ends are there after all: packets pass. Success also if nothing was held.
base::Result<void> lift_neighbours(const base::ContainerKey& container,
                                   const NetworkNamespace& network);

}  // namespace reprise::network
