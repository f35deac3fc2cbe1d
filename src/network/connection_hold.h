// SPDX-License-Identifier: Apache-2.0
//
// Holds back what the outside sends on the connections of a container that was checkpointed and has
// ended, until it is restored.
//
// In between, nobody answers for those connections; but as soon as the next network namespace has
// the container's address, and that is before anybody asks us, its kernel would answer each packet
// of a connection that it does not know with a reset. So the packets are dropped on the way there,
// in the host's network namespace; peers send them again.
//
// Nothing helps a peer on the host itself that came in by a published port when Podman removes its
// bridge with the last container: the kernel then forgets how to translate that connection.
//
// A hold is a table "reprise-hold-KEY" of nftables, in the families inet and bridge. It
// matches exactly those connections: another owner of the address is not affected by it. Drives ss
// and nft, and must be called in the host's network namespace. Blocks for some milliseconds.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "network/network.h"

namespace reprise::network {

// How long a hold lasts if nobody lifts it. A peer that waits for an acknowledgement gives up after
// some 15 minutes (Linux: 924 s, tcp_retries2); holding its packets longer helps no connection.
inline constexpr std::chrono::minutes kHoldTime{16};

// One TCP connection, seen from the container.
struct Connection {
  // Addresses as inet_ntop writes them, IPv4 also where a socket maps it to IPv6.
  std::string local;
  std::uint16_t local_port = 0;
  std::string peer;
  std::uint16_t peer_port = 0;
  std::uint64_t inode = 0;  // of the socket; 0 if no process has it open
  bool operator==(const Connection&) const = default;
};

// Pure: the output of `ss --no-header --numeric --extended --tcp state …` with more than one state.
// kInternal for lines of another form.
base::Result<std::vector<Connection>> parse_connections(std::string_view ss_output);

// Of all processes in `network`, and of none.
base::Result<std::vector<Connection>> list_connections(const NetworkNamespace& network);

// Pure: whether the peer is neither loopback nor one of `own` (as network.h's `addresses`).
bool is_outside(const Connection& connection, const std::vector<std::string>& own);

// Inodes of the sockets that the processes below `init` have open. `proc`: /proc, or a fake of it.
std::set<std::uint64_t> sockets_of(const std::filesystem::path& proc, pid_t init);

// Pure, for scripts of nft.
std::string set_element(const Connection& connection);
inline constexpr std::string_view kHoldPrefix = "reprise-hold-";

// Pure: the table's name, with that prefix. nftables takes neither every character nor every
// length: of a key that has other than Podman's the end stays, which is the id.
std::string hold_name(const base::ContainerKey& container);

// Where packets are dropped: on their way out of the host, or on their way into a socket.
enum class HoldAt : std::uint8_t { kPostrouting, kInput };

// Pure: an nft script that replaces table `name` of `family` by one that drops, for kHoldTime, what
// the peers of `connections` send on them.
std::string hold_script(std::string_view family, std::string_view name,
                        const std::vector<Connection>& connections,
                        HoldAt where = HoldAt::kPostrouting);

// One of our tables, as the kernel numbers them: a table made anew under the same name is another.
struct HoldTable {
  std::string family;
  std::string name;
  std::uint64_t handle = 0;
  bool operator==(const HoldTable&) const = default;
};
// Pure: all holds in the output of `nft --json list tables`. kInternal for what is not that.
base::Result<std::vector<HoldTable>> parse_hold_tables(std::string_view nft_json);

// Pure: whether the output of `nft --json list table …` has a connection that is still held.
bool holds_any(std::string_view nft_json);

struct HoldRequest {
  base::ContainerKey container;
  pid_t init = 0;                // of the container, alive (frozen will do)
  NetworkNamespace network;      // of the container; others may live in it as well
  std::vector<std::string> own;  // its addresses, as network.h's `addresses` returns them
};
// Holds the outside connections of the container's processes; none: nothing is changed. Replaces an
// earlier hold of the same container. Returns how many connections are held. Nothing is held after
// an error, and never anything if `network` is the namespace of the caller.
base::Result<std::size_t> hold_connections(const HoldRequest& request);

// Lets packets pass again, and removes those holds of others that have run out. Success also if
// nothing was held.
base::Result<void> lift_hold(const base::ContainerKey& container);

}  // namespace reprise::network
