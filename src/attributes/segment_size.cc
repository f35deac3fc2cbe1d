// SPDX-License-Identifier: Apache-2.0
#include "attributes/segment_size.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "container/task_tree.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::attributes {
namespace {

constexpr std::size_t kMostOptions = 64;
using Options = std::array<std::uint8_t, kMostOptions>;

int number_of(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, level, option, &value, &size) == 0 ? value : 0;
}

bool is_connected(int fd) {
  const int family = number_of(fd, SOL_SOCKET, SO_DOMAIN);
  if ((family != AF_INET && family != AF_INET6) ||
      number_of(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP)
    return false;
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

// Setting IP options has the kernel look how much room a segment has, also where they stay the
// same.
void renew(int fd) {
  Options options{};
  socklen_t size = options.size();
  if (::getsockopt(fd, IPPROTO_IP, IP_OPTIONS, options.data(), &size) == 0) [[maybe_unused]]
    const int done = ::setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options.data(), size);
  if (number_of(fd, SOL_SOCKET, SO_DOMAIN) != AF_INET6) return;
  // Those of IPv6 only where there are some: padding, for the moment.
  size = options.size();
  if (::getsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, options.data(), &size) != 0 || size != 0) return;
  constexpr std::array<std::uint8_t, 8> kPadding = {0, 0, 1, 4, 0, 0, 0, 0};
  if (::setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, kPadding.data(), kPadding.size()) == 0)
      [[maybe_unused]]
    const int done = ::setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, nullptr, 0);
}

}  // namespace

void renew_segment_sizes(const std::filesystem::path& proc, pid_t init) {
  std::set<std::string> seen;
  for (const pid_t process : container::processes_of(proc, init))
    for (const sys::OpenFile& file : sys::open_files_of(proc / std::to_string(process))) {
      if (!file.target.starts_with("socket:[") || !seen.insert(file.target).second) continue;
      const auto copy = sys::copy_descriptor(process, file.number);
      if (copy && is_connected(copy->get())) renew(copy->get());
    }
}

}  // namespace reprise::attributes
