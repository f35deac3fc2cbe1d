// SPDX-License-Identifier: Apache-2.0
//
// What programs set up in the network namespace of their container: links, addresses, routes,
// rules, neighbours and the firewall. A new namespace has none of it.
//
// What Podman (a CNI plugin, …) set up is told from what a program did by a look at the namespace
// before the program begins: the baseline. Drives ip, nft, tc and iptables of the host.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace reprise::network {

// A link, as far as it can be made anew.
struct NetworkLink {
  std::string kind;  // "bridge", "veth", …; empty for lo and devices
  int index = 0;
  int mtu = 0;
  std::string address;
  std::string master;
  std::string peer;  // the other end of a veth, if that is in the namespace as well
  bool up = false;
  bool foreign = false;      // it leads out of the namespace: nothing in it made that
  bool readdressed = false;  // foreign, and a program gave it another `address`
  std::string details;       // other settings of its kind, to compare
  std::string
      settings;  // of any kind, where they are unusual, as `ip link set` takes them: "arp off"
  bool operator==(const NetworkLink&) const = default;
};

// Lines are what `ip … add` takes: "10.77.0.1/32 dev lo", "blackhole 203.0.113.0/24".
struct NetworkSetup {
  std::map<std::string, NetworkLink> links;  // by name
  std::vector<std::string> addresses;
  std::vector<std::string> routes4;
  std::vector<std::string> routes6;
  std::vector<std::string> rules4;
  std::vector<std::string> rules6;
  std::vector<std::string> neighbours;
  std::map<std::string, std::string> tables;  // of nftables: "inet filter" to its text
  std::string iptables4;  // of the older kind, as iptables-legacy-save writes it
  std::string iptables6;
  std::vector<std::string> others;  // what cannot be carried, in words
  bool operator==(const NetworkSetup&) const = default;
};

// What a program did: what is in its namespace and not in the baseline, and the other way round.
struct NetworkChange {
  NetworkSetup added;
  NetworkSetup removed;  // of the lines only
  [[nodiscard]] bool empty() const { return added == NetworkSetup() && removed == NetworkSetup(); }
};

// Pure parts of what look_at_network does, for tests.
std::map<std::string, NetworkLink> parse_links(std::string_view ip_json);
std::vector<std::string> parse_address_lines(std::string_view ip_json);
// Those that the kernel or a router's advertisement brings about are left out.
std::vector<std::string> parse_routes(std::string_view text);
std::vector<std::string> parse_rules(std::string_view text);
// Without CRIU's and our own.
std::map<std::string, std::string> parse_tables(std::string_view ruleset);
NetworkChange difference(const NetworkSetup& before, const NetworkSetup& now);

base::Result<NetworkSetup> look_at_network(const NetworkNamespace& ns);

// What of `change` cannot be made anew, in words ("the link 'wg0' of kind 'wireguard'"); empty if
// all can. Found out by doing it, in a namespace that is made for that, with links as in `before`.
base::Result<std::vector<std::string>> uncarriable(const NetworkSetup& before,
                                                   const NetworkChange& change);

// Makes `change` in `ns`, which looks like `now`; what is there already stays, unless it is among
// what was removed. After an error some of it may be done.
base::Result<void> apply_change(const NetworkNamespace& ns, const NetworkSetup& now,
                                const NetworkChange& change);
// Takes it back, as far as it is there.
void revert_change(const NetworkNamespace& ns, const NetworkChange& change);

// decode: kCorrupt for what encode did not write.
std::string encode_setup(const NetworkSetup& setup);
base::Result<NetworkSetup> decode_setup(std::string_view text);
std::string encode_change(const NetworkChange& change);
base::Result<NetworkChange> decode_change(std::string_view text);

}  // namespace reprise::network
