// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptors/socket_settings.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include "preflight/descriptors/opening.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::preflight {

using std::filesystem::path;

namespace {

std::optional<Obstacle> judge_netlink(int socket) {
  std::array<std::uint32_t, 64> groups{};
  socklen_t size = sizeof(groups);
  if (::getsockopt(socket, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups.data(), &size) != 0)
    return std::nullopt;
  const auto count = std::min(groups.size(), size / sizeof(groups[0]));
  if (std::any_of(groups.begin() + 1, groups.begin() + static_cast<std::ptrdiff_t>(count),
                  [](std::uint32_t bits) { return bits != 0; }))
    return Obstacle{"", "listens to a group above 32 of a netlink protocol",
                    "have the program leave that group before the checkpoint"};
  sockaddr_nl own{};
  socklen_t length = sizeof(own);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how the call takes an address
  const int told = ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length);
  if (told != 0 || groups[0] == 0 || own.nl_pid != 0) return std::nullopt;
  return Obstacle{"", "listens to groups of a netlink protocol without an address of its own",
                  "have the program bind the socket (bind), as libraries do"};
}

std::optional<Obstacle> judge_socket_settings(int socket) {
  // For a filter of the classic kind the kernel tells its length.
  socklen_t length = 0;
  if (::getsockopt(socket, SOL_SOCKET, SO_GET_FILTER, nullptr, &length) != 0 && errno == EACCES)
    return Obstacle{"", "is a socket with a BPF program (SO_ATTACH_BPF)",
                    "have the program use a classic filter (SO_ATTACH_FILTER)"};
  int family = 0;
  socklen_t size = sizeof(family);
  if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family != AF_NETLINK)
    return std::nullopt;
  return judge_netlink(socket);
}

}  // namespace

void judge_sockets(const path& proc, pid_t pid, std::set<std::string>& seen,
                   std::vector<Obstacle>& found) {
  const path process = proc / std::to_string(pid);
  for (const sys::OpenFile& file : sys::open_files_of(process)) {
    if (!file.target.starts_with("socket:[") || !seen.insert(file.target).second) continue;
    const auto copy = sys::copy_descriptor(pid, file.number);
    if (!copy) continue;
    if (auto obstacle = judge_socket_settings(copy->get())) {
      obstacle->subject = descriptor_of(process, file.number);
      found.push_back(std::move(*obstacle));
    }
  }
}

}  // namespace reprise::preflight
