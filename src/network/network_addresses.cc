// SPDX-License-Identifier: Apache-2.0
#include "network/network_addresses.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

#include "network/ip_address.h"

namespace reprise::network {
namespace {

struct Subnet {
  std::string bare;
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  int prefix = 0;  // in bits
};

// "10.88.0.5/16 broadcast … dev eth0", or without what follows.
std::optional<Subnet> parse_subnet(std::string_view line) {
  const std::string_view word = line.substr(0, line.find(' '));
  const std::size_t slash = word.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Subnet subnet{.bare = std::string(word.substr(0, slash))};
  std::from_chars(word.data() + slash + 1, word.data() + word.size(), subnet.prefix);
  const int family = is_ipv6(subnet.bare) ? AF_INET6 : AF_INET;
  if (::inet_pton(family, subnet.bare.c_str(), subnet.bytes.data()) != 1) return std::nullopt;
  return subnet;
}

bool is_same_subnet(const Subnet& one, const Subnet& other) {
  constexpr int kBits = 8;
  if (one.prefix != other.prefix || is_ipv6(one.bare) != is_ipv6(other.bare)) return false;
  for (int bit = 0; bit < one.prefix; ++bit) {
    const auto at = static_cast<std::size_t>(bit / kBits);
    const unsigned mask = 1U << static_cast<unsigned>(kBits - 1 - bit % kBits);
    if ((one.bytes[at] & mask) != (other.bytes[at] & mask)) return false;
  }
  return true;
}

// "… dev eth0 …": "eth0".
std::string link_of(const std::string& line) {
  constexpr std::string_view kWord = " dev ";
  const std::size_t at = line.find(kWord);
  if (at == std::string::npos) return {};
  const std::string rest = line.substr(at + kWord.size());
  return rest.substr(0, rest.find(' '));
}

// Of links that lead out, without those that only the link knows.
std::vector<Subnet> outer_addresses(const NetworkSetup& now) {
  std::vector<Subnet> found;
  for (const std::string& line : now.addresses) {
    const bool outer = std::ranges::any_of(now.links, [&](const auto& entry) {
      return entry.second.foreign && (line + " ").contains(" dev " + entry.first + " ");
    });
    if (auto subnet = parse_subnet(line); outer && subnet && !line.starts_with("fe80"))
      found.push_back(std::move(*subnet));
  }
  return found;
}

std::string successor_of(const Subnet& old, const std::vector<Subnet>& candidates) {
  std::vector<const Subnet*> same_kind;
  for (const Subnet& one : candidates) {
    if (is_same_subnet(old, one)) return one.bare;
    if (is_ipv6(one.bare) == is_ipv6(old.bare)) same_kind.push_back(&one);
  }
  return same_kind.size() == 1 ? same_kind.front()->bare : std::string();
}

bool is_of_address(char c) {
  return std::string_view("0123456789abcdefABCDEF:.").find(c) != std::string_view::npos;
}

// As whole words: 10.0.0.1 is no part of 10.0.0.12.
std::string replaced(const std::string& text, const std::map<std::string, std::string>& by) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_of_address(text[end])) ++end;
    if (end == begin) {
      result += text[begin++];
      continue;
    }
    const std::string word = text.substr(begin, end - begin);
    const auto found = by.find(word);
    result += found == by.end() ? word : found->second;
    begin = end;
  }
  return result;
}

}  // namespace

std::map<std::string, std::string> successors(const std::vector<std::string>& were,
                                              const NetworkSetup& now,
                                              const std::vector<std::string>& kept) {
  std::map<std::string, std::string> found;
  const std::vector<Subnet> candidates = outer_addresses(now);
  const auto names = [](const std::vector<std::string>& lines, const std::string& bare) {
    return std::ranges::any_of(lines, [&](const std::string& line) {
      return split_address(std::string_view(line).substr(0, line.find(' '))).bare == bare;
    });
  };
  for (const std::string& text : were) {
    const auto old = parse_subnet(text);
    if (!old || old->bare.starts_with("fe80") || names(now.addresses, old->bare) ||
        names(kept, old->bare))
      continue;
    if (std::string next = successor_of(*old, candidates); !next.empty())
      found.emplace(old->bare, std::move(next));
  }
  return found;
}

NetworkChange with_addresses(NetworkChange change,
                             const std::map<std::string, std::string>& successors) {
  if (successors.empty()) return change;
  for (NetworkSetup* setup : {&change.added, &change.removed}) {
    for (auto* lines : {&setup->routes4, &setup->routes6, &setup->rules4, &setup->rules6})
      for (std::string& line : *lines) line = replaced(line, successors);
    for (auto& [name, text] : setup->tables) text = replaced(text, successors);
    setup->iptables4 = replaced(setup->iptables4, successors);
    setup->iptables6 = replaced(setup->iptables6, successors);
  }
  return change;
}

std::vector<std::string> addresses_to_remove(const std::vector<std::string>& removed,
                                             const std::vector<std::string>& added,
                                             const NetworkSetup& now) {
  std::vector<std::string> found;
  for (const std::string& line : removed) {
    const auto old = parse_subnet(line);
    if (!old) continue;
    std::vector<std::string> same_kind;
    std::string next;
    for (const std::string& candidate : now.addresses) {
      const auto subnet = parse_subnet(candidate);
      if (!subnet || link_of(candidate) != link_of(line) ||
          is_ipv6(subnet->bare) != is_ipv6(old->bare) ||
          std::ranges::find(added, candidate) != added.end())
        continue;
      if (subnet->bare == old->bare || (next.empty() && is_same_subnet(*old, *subnet)))
        next = candidate;
      same_kind.push_back(candidate);
    }
    const auto link = now.links.find(link_of(line));
    const bool outer = link != now.links.end() && link->second.foreign;
    // What is not Podman's to choose anew is there as it was, or not at all.
    if (!outer && std::ranges::find(now.addresses, line) == now.addresses.end()) continue;
    if (next.empty() && same_kind.size() == 1) next = same_kind.front();
    if (!next.empty() && std::ranges::find(found, next) == found.end()) found.push_back(next);
  }
  return found;
}

}  // namespace reprise::network
