// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <tuple>

#include "attributes/internal/multicast.h"

namespace reprise::attributes {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr int kHex = 16;
constexpr std::size_t kMostSources = 64;  // net.ipv4.igmp_max_msf is 10, net.ipv6.mld_max_msf 64

// With room for the sources, which the kernel's struct has at its end.
union Filter {
  group_filter head;
  std::array<char, GROUP_FILTER_SIZE(kMostSources)> room;
};

sockaddr_storage address_of(int level, std::string_view bytes) {
  sockaddr_storage address{};
  if (level == IPPROTO_IP) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    std::memcpy(&ipv4.sin_addr, bytes.data(), std::min(bytes.size(), sizeof(ipv4.sin_addr)));
    std::memcpy(&address, &ipv4, sizeof(ipv4));
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    std::memcpy(&ipv6.sin6_addr, bytes.data(), std::min(bytes.size(), sizeof(ipv6.sin6_addr)));
    std::memcpy(&address, &ipv6, sizeof(ipv6));
  }
  return address;
}

std::string bytes_of(int level, const sockaddr_storage& address) {
  if (level == IPPROTO_IP) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    return {reinterpret_cast<const char*>(&ipv4.sin_addr), sizeof(ipv4.sin_addr)};
  }
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, &address, sizeof(ipv6));
  return {reinterpret_cast<const char*>(&ipv6.sin6_addr), sizeof(ipv6.sin6_addr)};
}

ifreq request_for(const std::string& device) {
  ifreq request{};
  device.copy(&request.ifr_name[0], sizeof(request.ifr_name) - 1);
  return request;
}

std::uint32_t address_in(const ifreq& request) {
  sockaddr_in address{};
  std::memcpy(&address, &request.ifr_addr, sizeof(address));
  return address.sin_family == AF_INET ? address.sin_addr.s_addr : 0;
}

int set_filter(int fd, const GroupMembership& membership, int interface) {
  Filter filter{};
  filter.head.gf_interface = static_cast<std::uint32_t>(interface);
  filter.head.gf_group = address_of(membership.level, membership.group);
  filter.head.gf_fmode = membership.only_sources ? MCAST_INCLUDE : MCAST_EXCLUDE;
  const std::size_t count = std::min(membership.sources.size(), kMostSources);
  filter.head.gf_numsrc = static_cast<std::uint32_t>(count);
  for (std::size_t i = 0; i < count; ++i)
    filter.head.gf_slist[i] = address_of(membership.level, membership.sources[i]);
  return ::setsockopt(fd, membership.level, MCAST_MSFILTER, &filter,
                      static_cast<socklen_t>(GROUP_FILTER_SIZE(count)));
}

int join(int fd, const GroupMembership& membership, int interface) {
  if (membership.level == IPPROTO_IP) {
    // With the address, which a program may name when it leaves.
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, membership.group.data(), sizeof(request.imr_multiaddr));
    request.imr_address.s_addr = address_of_interface(fd, membership.device);
    request.imr_ifindex = interface;
    return ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
  }
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, membership.group.data(), sizeof(request.ipv6mr_multiaddr));
  request.ipv6mr_interface = static_cast<unsigned>(interface);
  return ::setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
}

}  // namespace

std::vector<JoinedGroup> parse_igmp(std::string_view text) {
  // "2\teth0      :     1      V3", and below it "\t\t\t\tEF070707     1 0:00000000\t\t0".
  std::vector<JoinedGroup> groups;
  std::istringstream lines{std::string(text)};
  JoinedGroup at{.level = IPPROTO_IP, .group = {}, .device = {}, .interface = 0};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (!line.starts_with('\t')) {
      at.interface = 0;
      words >> at.interface >> at.device;
      continue;
    }
    std::string word;
    words >> word;
    std::uint32_t group = 0;  // as it lies in memory: in network byte order
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), group, kHex);
    if (error != std::errc() || end != word.data() + word.size() || at.interface == 0) continue;
    at.group.assign(reinterpret_cast<const char*>(&group), sizeof(group));
    groups.push_back(at);
  }
  return groups;
}

std::vector<JoinedGroup> parse_igmp6(std::string_view text) {
  // "2    eth0            ff0200000000000000000001ff000002     1 00000004 0".
  std::vector<JoinedGroup> groups;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    JoinedGroup one{.level = IPPROTO_IPV6, .group = {}, .device = {}, .interface = 0};
    std::string hex;
    std::istringstream words(line);
    if (!(words >> one.interface >> one.device >> hex) || hex.size() != 2 * sizeof(in6_addr))
      continue;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      std::uint8_t byte = 0;
      std::from_chars(hex.data() + i, hex.data() + i + 2, byte, kHex);
      one.group.push_back(static_cast<char>(byte));
    }
    groups.push_back(std::move(one));
  }
  return groups;
}

std::vector<GroupMembership> memberships_of(int fd, const std::vector<JoinedGroup>& groups) {
  std::vector<GroupMembership> found;
  for (const JoinedGroup& one : groups) {
    Filter filter{};
    filter.head.gf_interface = static_cast<std::uint32_t>(one.interface);
    filter.head.gf_group = address_of(one.level, one.group);
    filter.head.gf_numsrc = kMostSources;
    socklen_t size = sizeof(filter);
    if (::getsockopt(fd, one.level, MCAST_MSFILTER, &filter, &size) != 0) continue;
    GroupMembership membership{.level = one.level,
                               .group = one.group,
                               .device = one.device,
                               .only_sources = filter.head.gf_fmode == MCAST_INCLUDE,
                               .sources = {}};
    for (std::size_t i = 0; i < std::min<std::size_t>(filter.head.gf_numsrc, kMostSources); ++i)
      membership.sources.push_back(bytes_of(one.level, filter.head.gf_slist[i]));
    std::ranges::sort(membership.sources);
    found.push_back(std::move(membership));
  }
  // The kernel's order is that of its tables.
  std::ranges::sort(found, {}, [](const GroupMembership& one) {
    return std::tie(one.level, one.device, one.group);
  });
  return found;
}

Result<void> join_group(int fd, const GroupMembership& membership) {
  const int interface = interface_number(fd, membership.device);
  if (interface == 0)
    return fail(ErrorCode::kNotFound, "there is no interface '" + membership.device + "'");
  if (join(fd, membership, interface) != 0 && errno != EADDRINUSE)
    return base::fail_errno(errno, "joining");
  if (!membership.only_sources && membership.sources.empty()) return {};
  if (set_filter(fd, membership, interface) != 0)
    return base::fail_errno(errno, "choosing its sources");
  return {};
}

int interface_number(int fd, const std::string& device) {
  ifreq request = request_for(device);
  return ::ioctl(fd, SIOCGIFINDEX, &request) == 0 ? request.ifr_ifindex : 0;
}

std::string interface_name(int fd, int number) {
  ifreq request{};
  request.ifr_ifindex = number;
  if (number == 0 || ::ioctl(fd, SIOCGIFNAME, &request) != 0) return "";
  return {&request.ifr_name[0], ::strnlen(&request.ifr_name[0], sizeof(request.ifr_name))};
}

std::string interface_with_address(int fd, std::uint32_t address) {
  constexpr std::size_t kMost = 256;
  std::array<ifreq, kMost> requests{};
  ifconf all{};
  all.ifc_len = sizeof(requests);
  all.ifc_req = requests.data();
  if (address == 0 || ::ioctl(fd, SIOCGIFCONF, &all) != 0) return "";
  const std::size_t count = static_cast<std::size_t>(all.ifc_len) / sizeof(ifreq);
  for (std::size_t i = 0; i < count; ++i)
    if (address_in(requests[i]) == address) {
      const char* name = &requests[i].ifr_name[0];
      return {name, ::strnlen(name, IFNAMSIZ)};
    }
  return "";
}

std::uint32_t address_of_interface(int fd, const std::string& device) {
  ifreq request = request_for(device);
  return ::ioctl(fd, SIOCGIFADDR, &request) == 0 ? address_in(request) : 0;
}

}  // namespace reprise::attributes
