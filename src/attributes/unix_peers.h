// SPDX-License-Identifier: Apache-2.0
//
// UNIX sockets of a container whose other end is outside of it: a service of the host on a bind
// mount (/dev/log, D-Bus), another container, or a program that people execute in it. CRIU saves no
// such connection.
//
// Of datagram sockets the connection is only an address to send to. It is taken away while CRIU
// looks, and made again afterwards, and after a restore.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace reprise::attributes {

struct UnixSocket {
  std::uint64_t inode = 0;
  std::uint64_t peer = 0;  // its inode; 0 if there is none, or nobody has it open
  int type = 0;            // SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET
  std::string name;        // as bound; an abstract one begins with a NUL
  bool operator==(const UnixSocket&) const = default;
};
// All in `ns`. Asks the kernel (NETLINK_SOCK_DIAG).
base::Result<std::vector<UnixSocket>> list_unix_sockets(const network::NetworkNamespace& ns);

struct OutsidePeer {
  pid_t pid = 0;  // of the container's process, and its descriptor
  int descriptor = 0;
  int type = 0;
  pid_t peer_pid = 0;     // who has the other end
  bool executed = false;  // by people, in the container
  std::string name;       // what the other end is bound to; empty if nothing
  std::string path;       // the same as a path inside of the container; empty if there is none
};
// Of the tree below `init`, those whose other end a process outside of it has open.
base::Result<std::vector<OutsidePeer>> outside_peers(const std::filesystem::path& proc, pid_t init);

// Whether its connection can be made again: `path` is known, and it is a datagram socket.
bool can_be_reconnected(const OutsidePeer& peer);

// Descriptors to be connected again, by the process's id in its own namespace.
struct LostPeer {
  pid_t pid = 0;
  int descriptor = 0;
  std::string path;
  bool operator==(const LostPeer&) const = default;
};
// decode: kCorrupt for what encode did not write.
std::string encode_lost_peers(const std::vector<LostPeer>& peers);
base::Result<std::vector<LostPeer>> decode_lost_peers(std::string_view text);

// kGone if its process has ended.
base::Result<LostPeer> lost_peer(const std::filesystem::path& proc, const OutsidePeer& peer);
// Takes the connection away, with the tasks stopped.
base::Result<void> disconnect_peer(const OutsidePeer& peer);
// Makes connections again, in the tree below `init`, whose tasks stand still. Tries all; then the
// first error.
base::Result<void> reconnect_peers(const std::filesystem::path& proc, pid_t init,
                                   const std::vector<LostPeer>& peers);

}  // namespace reprise::attributes
