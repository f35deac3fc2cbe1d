// SPDX-License-Identifier: Apache-2.0
//
// What programs set on their sockets, and CRIU does not restore: about a hundred options, the
// multicast groups that they have joined, addresses of raw sockets, and other names of UNIX
// sockets. Read from outside while the tasks stand still, and set again before they run on: both on
// copies of their descriptors (pidfd_getfd).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::attributes {

struct SocketOption {
  int level = 0;
  int number = 0;
  std::string value;   // as getsockopt(2) gave it
  std::string device;  // the network interface that the value names, if it names one
  bool operator==(const SocketOption&) const = default;
};

struct GroupMembership {
  int level = 0;      // IPPROTO_IP or IPPROTO_IPV6
  std::string group;  // 4 or 16 bytes, as on the wire
  std::string device;
  bool only_sources = false;         // hears these only; else all but these
  std::vector<std::string> sources;  // as `group`
  bool operator==(const GroupMembership&) const = default;
};

// The file of a UNIX socket that has other names than the one that it was bound to. All names are
// paths from the container's root, without symbolic links.
struct UnixFile {
  std::uint64_t socket = 0;  // its inode number, by which CRIU's images know it
  std::string bound;
  bool is_there = false;  // under that name too
  std::vector<std::string> names;
  bool operator==(const UnixFile&) const = default;
};

// One socket, by the first descriptor that was found for it.
struct SocketRecord {
  pid_t pid = 0;  // inside the container, which is what a restore keeps
  int descriptor = 0;
  std::vector<SocketOption> options;  // those that a new socket of its kind has otherwise
  std::vector<GroupMembership> groups;
  std::optional<UnixFile> file;
  // Of raw sockets and those for ICMP echo: what they are bound and connected to, as the kernel
  // gave it (struct sockaddr); empty if to nothing.
  std::string address;
  std::string peer;
  bool operator==(const SocketRecord&) const = default;
};

// The sockets of `init`'s tree that are not as when they were made; about 50 microseconds each.
std::vector<SocketRecord> read_sockets(const std::filesystem::path& proc, pid_t init);

// Gives the sockets of `init`'s tree what they had; what they have already is left alone. Returns a
// line for each thing that could not be set, with its name: "SO_BUSY_POLL of descriptor 7 of
// process 12: Operation not permitted".
std::vector<std::string> set_sockets(const std::filesystem::path& proc, pid_t init,
                                     const std::vector<SocketRecord>& sockets);

// JSON. Decoding: kCorrupt for what is no such list, names an option that nobody sets, or values of
// a length that none has.
std::string encode_sockets(const std::vector<SocketRecord>& sockets);
base::Result<std::vector<SocketRecord>> decode_sockets(std::string_view text);

}  // namespace reprise::attributes
