// SPDX-License-Identifier: Apache-2.0
#include "network/ip_address.h"

#include <arpa/inet.h>

#include <array>

namespace reprise::network {

bool is_ipv6(std::string_view address) { return address.find(':') != std::string_view::npos; }

std::optional<std::string> canonical_address(const std::string& text) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1)
    return ::inet_ntop(AF_INET, &four, out.data(), out.size());
  in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
  constexpr std::size_t kMappedAt = 12;  // the IPv4 address is the last four bytes
  if (IN6_IS_ADDR_V4MAPPED(&six))
    return ::inet_ntop(AF_INET, &six.s6_addr[kMappedAt], out.data(), out.size());
  return ::inet_ntop(AF_INET6, &six, out.data(), out.size());
}

InterfaceAddress split_address(std::string_view text) {
  text = text.substr(0, text.find('/'));
  const std::size_t percent = text.find('%');
  InterfaceAddress address{.bare = std::string(text.substr(0, percent)), .interface = {}};
  if (percent != std::string_view::npos) address.interface = text.substr(percent + 1);
  return address;
}

std::string bracketed(const std::string& bare) { return is_ipv6(bare) ? "[" + bare + "]" : bare; }

std::string as_host(const std::string& bare) { return bare + (is_ipv6(bare) ? "/128" : "/32"); }

}  // namespace reprise::network
