// SPDX-License-Identifier: Apache-2.0
//
// Multicast groups: a socket tells whether it is in one, but not in which.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attributes/socket_options.h"
#include "base/result.h"

namespace reprise::attributes {

// A group that some socket of a network namespace is in.
struct JoinedGroup {
  int level = 0;
  std::string group;
  std::string device;
  int interface = 0;
};

// From the text of /proc/PID/net/igmp and of igmp6. Pure; lines that are none are left out.
std::vector<JoinedGroup> parse_igmp(std::string_view text);
std::vector<JoinedGroup> parse_igmp6(std::string_view text);

// Those of `groups` that the socket `fd` is in.
std::vector<GroupMembership> memberships_of(int fd, const std::vector<JoinedGroup>& groups);

// Joins; success if it is in that group already. kNotFound without such a device.
base::Result<void> join_group(int fd, const GroupMembership& membership);

// The network interface of a name, and back, in the network namespace of a socket. 0 or empty:
// none.
int interface_number(int fd, const std::string& device);
std::string interface_name(int fd, int number);
// The one that has this IPv4 address (in network byte order).
std::string interface_with_address(int fd, std::uint32_t address);
// The other way round; 0 if it has none.
std::uint32_t address_of_interface(int fd, const std::string& device);

}  // namespace reprise::attributes
