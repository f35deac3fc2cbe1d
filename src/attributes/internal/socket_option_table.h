// SPDX-License-Identifier: Apache-2.0
//
// The options of sockets that can be read and set again.
#pragma once

#include <cstdint>
#include <span>

namespace reprise::attributes {

enum class OptionKind : std::uint8_t {
  kPlain,       // set as it was read
  kSettled,     // of a TCP socket: changes by itself while it is connected
  kInterface,   // the value is the number of a network interface
  kNetOrder,    // the same, in network byte order
  kAddress,     // the value is the IPv4 address of an interface
  kPrivileged,  // only for who has CAP_NET_ADMIN or CAP_NET_RAW
};

struct KnownOption {
  int level;
  int number;
  const char* name;
  OptionKind kind = OptionKind::kPlain;
};

// In the order in which they are set.
std::span<const KnownOption> known_options();
// nullptr if it is none of them.
const KnownOption* find_option(int level, int number);
// Whether sockets of this family, type and protocol have options of this level at all.
bool has_level(int level, int family, int type, int protocol);
// Whether sockets of this type can be given it: a connection that was accepted tells a hop limit
// for multicast which came with its first packet, and which nobody may set.
bool applies(const KnownOption& option, int type);

// No option is longer.
inline constexpr std::size_t kMostOptionBytes = 64;

}  // namespace reprise::attributes
