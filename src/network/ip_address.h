// SPDX-License-Identifier: Apache-2.0
//
// IP addresses as text: as the kernel's tools write them, and as they want to read them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reprise::network {

bool is_ipv6(std::string_view address);

// As inet_ntop writes it, and as IPv4 where IPv6 only maps it (::ffff:10.0.0.1); nullopt for what
// is no address, which includes one with an interface or a prefix length.
std::optional<std::string> canonical_address(const std::string& text);

// An address as manifests have it: "10.88.0.5/16", "fd00::5/64", and "fe80::5%eth0/64" where it
// means nothing without the interface.
struct InterfaceAddress {
  std::string bare;       // "fe80::5"
  std::string interface;  // "eth0"; empty but for addresses that need it
  bool operator==(const InterfaceAddress&) const = default;
};
InterfaceAddress split_address(std::string_view text);

// "10.88.0.5", "[fd00::5]": where something may follow after a colon, as in filters of ss.
std::string bracketed(const std::string& bare);
// "10.88.0.5/32", "fd00::5/128".
std::string as_host(const std::string& bare);

}  // namespace reprise::network
