// SPDX-License-Identifier: Apache-2.0
#include "network/network.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "json/reader.h"
#include "network/ip_address.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::network {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kToolLimit{20};
constexpr const char* kBlockTable = "inet reprise-restore";

constexpr const char* kArpIgnore = "/proc/sys/net/ipv4/conf/all/arp_ignore";

bool is_among(const std::vector<std::string>& addresses, const InterfaceAddress& wanted) {
  return std::ranges::any_of(addresses,
                             [&](const std::string& a) { return split_address(a) == wanted; });
}

// "10.88.0.5%eth0:*", "[fe80::1]%eth0:81", "[::ffff:10.88.0.5]:80"; nullopt for "*:80", any
// address.
std::optional<std::string> parse_local(std::string_view text) {
  text = text.substr(0, text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.find(']') - 1);
  return canonical_address(std::string(text.substr(0, text.find('%'))));
}

Result<InterfaceAddresses> addresses_of_links(const NetworkNamespace& ns) {
  const std::string out =
      REPRISE_TRY(run_inside(ns, {"ip", "-json", "address"}), "reading addresses");
  return parse_addresses(out);
}

// TIME-WAIT belongs to no process, and is not restored.
Result<std::set<std::string>> addresses_in_use(const NetworkNamespace& ns) {
  const std::string sockets =
      REPRISE_TRY(run_inside(ns, {"ss", "--no-header", "--numeric", "--tcp", "--udp", "--raw",
                                  "state", "all", "exclude", "time-wait"}),
                  "looking for addresses that sockets use");
  return parse_local_addresses(sockets);
}

// arp_ignore 1: answer only for addresses of the interface that was asked.
Result<void> set_arp_ignore(const NetworkNamespace& ns, const char* value) {
  REPRISE_TRY(run_inside(ns, {"sh", "-c", std::string("echo ") + value + " > " + kArpIgnore}),
              "keeping adopted addresses private");
  return {};
}

// An address of a link is restored with it, and nobody else on that link has it.
Result<void> adopt(const NetworkNamespace& ns, const InterfaceAddress& address) {
  const std::string& link = address.interface.empty() ? "lo" : address.interface;
  std::vector<std::string> command = {"ip",  "address", "replace", as_host(address.bare),
                                      "dev", link};
  if (is_ipv6(address.bare)) command.emplace_back("nodad");
  REPRISE_TRY(run_inside(ns, std::move(command)), "adopting address '" + address.bare + "'");
  return {};
}

// Every address that adopt() made, and none that a link had before, has the length of a host's.
std::vector<InterfaceAddress> adopted_of(const InterfaceAddresses& present,
                                         const std::vector<std::string>& addresses) {
  std::vector<InterfaceAddress> adopted;
  for (const std::string& text : addresses) {
    const InterfaceAddress address = split_address(text);
    const bool on_link = std::ranges::find(present.link, address.bare + "%" + address.interface +
                                                             "/128") != present.link.end();
    if (address.interface.empty() ? is_among(present.adopted, address) : on_link)
      adopted.push_back(address);
  }
  return adopted;
}

Result<void> release(const NetworkNamespace& ns, const std::vector<InterfaceAddress>& adopted) {
  for (const auto& [bare, interface] : adopted)
    REPRISE_TRY(run_inside(ns, {"ip", "address", "delete", as_host(bare), "dev",
                                interface.empty() ? "lo" : interface}),
                "releasing address '" + bare + "'");
  if (adopted.empty() || !REPRISE_PASS(addresses_of_links(ns)).adopted.empty()) return {};
  return set_arp_ignore(ns, "0");
}

}  // namespace

Result<std::string> run_inside(const NetworkNamespace& ns, std::vector<std::string> command,
                               std::string_view input) {
  std::vector<std::string> argv = {"nsenter", "--net=" + ns.string(), "--"};
  argv.insert(argv.end(), command.begin(), command.end());
  return sys::run_ok(std::move(argv), kToolLimit, input);
}

Result<InterfaceAddresses> parse_addresses(std::string_view ip_json) {
  InterfaceAddresses found;
  try {
    for (const json& link : json_reader::parse(ip_json)) {
      const std::string name = link.value("ifname", "");
      for (const json& address : link.value("addr_info", json::array())) {
        const std::string scope = address.value("scope", "");
        if (scope != "global" && scope != "link") continue;
        const auto bare = address.at("local").get<std::string>();
        const std::string length = "/" + std::to_string(address.at("prefixlen").get<int>());
        if (scope == "global")
          (name == "lo" ? found.adopted : found.own).push_back(bare + length);
        else if (is_ipv6(bare))
          found.link.push_back(bare + "%" + name + length);
      }
    }
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unreadable output of 'ip': ") + error.what());
  }
  return found;
}

std::vector<std::string> parse_criu_tables(std::string_view nft_output) {
  std::vector<std::string> tables;
  std::istringstream lines{std::string(nft_output)};
  std::string word, family, name;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    if (fields >> word >> family >> name && word == "table" && name.starts_with("CRIU-"))
      tables.push_back(family + " " + name);
  }
  return tables;
}

Result<std::set<std::string>> parse_local_addresses(std::string_view ss_output) {
  std::set<std::string> found;
  std::istringstream lines{std::string(ss_output)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string protocol, state, receive_queue, send_queue, local;
    if (!(fields >> protocol >> state >> receive_queue >> send_queue >> local) ||
        local.find(':') == std::string::npos)
      return fail(ErrorCode::kInternal, "unreadable output of 'ss': '" + line + "'");
    if (const auto address = parse_local(local)) found.insert(*address);
  }
  return found;
}

Result<std::vector<std::string>> addresses(const NetworkNamespace& ns) {
  InterfaceAddresses found = REPRISE_PASS(addresses_of_links(ns));
  std::vector<std::string> in_use = std::move(found.own);
  if (found.adopted.empty() && found.link.empty()) return in_use;
  const std::set<std::string> used = REPRISE_PASS(addresses_in_use(ns));
  for (const auto* list : {&found.adopted, &found.link})
    for (const std::string& address : *list)
      if (used.contains(split_address(address).bare)) in_use.push_back(address);
  return in_use;
}

Result<int> remove_criu_locks(const NetworkNamespace& ns) {
  const std::string out =
      REPRISE_TRY(run_inside(ns, {"nft", "list", "tables"}), "looking for CRIU's network lock");
  int removed = 0;
  for (const std::string& table : parse_criu_tables(out)) {
    const std::size_t space = table.find(' ');
    REPRISE_TRY(
        run_inside(ns, {"nft", "delete", "table", table.substr(0, space), table.substr(space + 1)}),
        "removing CRIU's network lock");
    ++removed;
  }
  return removed;
}

Result<void> adopt_addresses(const NetworkNamespace& ns, const std::vector<std::string>& wanted) {
  const InterfaceAddresses present = REPRISE_PASS(addresses_of_links(ns));
  Result<void> first{};
  const auto note = [&first](const Result<void>& result) {
    if (!result && first) first = result;
  };
  bool is_private = false;
  for (const std::string& text : wanted) {
    const InterfaceAddress address = split_address(text);
    if (is_among(address.interface.empty() ? present.own : present.link, address)) continue;
    if (!is_ipv6(address.bare) && !std::exchange(is_private, true)) note(set_arp_ignore(ns, "1"));
    note(adopt(ns, address));
  }
  return first;
}

Result<bool> has_adopted(const NetworkNamespace& ns) {
  return !REPRISE_PASS(addresses_of_links(ns)).adopted.empty();
}

Result<std::vector<std::string>> adopted_among(const NetworkNamespace& ns,
                                               const std::vector<std::string>& addresses) {
  std::vector<std::string> on_lo;
  for (const auto& [bare, interface] : adopted_of(REPRISE_PASS(addresses_of_links(ns)), addresses))
    if (interface.empty()) on_lo.push_back(bare);
  return on_lo;
}

// A priority before connection tracking and every filter of others. ARP, neighbour discovery and lo
// go on.
Result<void> block_outside(const NetworkNamespace& ns) {
  const std::string table = kBlockTable;
  const std::string rules = "add table " + table + "; delete table " + table + "; add table " +
                            table + "; add chain " + table +
                            " input { type filter hook input priority -400; }; add rule " + table +
                            " input iifname != \"lo\" meta l4proto { tcp, udp } drop";
  REPRISE_TRY(run_inside(ns, {"nft", rules}), "holding packets back until sockets are restored");
  return {};
}

Result<void> unblock_outside(const NetworkNamespace& ns) {
  // Added first, because deleting what is not there is an error; both are one transaction.
  const std::string table = kBlockTable;
  REPRISE_TRY(run_inside(ns, {"nft", "add table " + table + "; delete table " + table}),
              "letting packets in again");
  return {};
}

Result<void> release_addresses(const NetworkNamespace& ns,
                               const std::vector<std::string>& addresses) {
  return release(ns, adopted_of(REPRISE_PASS(addresses_of_links(ns)), addresses));
}

Result<void> release_unused(const NetworkNamespace& ns, const std::vector<std::string>& addresses) {
  auto adopted = adopted_of(REPRISE_PASS(addresses_of_links(ns)), addresses);
  if (adopted.empty()) return {};
  const std::set<std::string> used = REPRISE_PASS(addresses_in_use(ns));
  std::erase_if(adopted, [&](const InterfaceAddress& a) { return used.contains(a.bare); });
  return release(ns, adopted);
}

// Connections to an own address stay inside the namespace and go on.
Result<void> reset_outside_connections(const NetworkNamespace& ns,
                                       const std::vector<std::string>& adopted) {
  if (adopted.empty()) return {};
  const InterfaceAddresses present = REPRISE_PASS(addresses_of_links(ns));
  for (const std::string& address : adopted) {
    std::vector<std::string> command = {"ss",        "--kill", "--tcp",           "state",
                                        "connected", "src",    bracketed(address)};
    for (const auto* list : {&present.own, &present.adopted})
      for (const std::string& own : *list)
        command.insert(command.end(), {"not", "dst", bracketed(split_address(own).bare)});
    REPRISE_TRY(run_inside(ns, std::move(command)), "resetting connections of '" + address + "'");
  }
  return {};
}

bool is_inhabited(const NetworkNamespace& ns, const std::vector<pid_t>& besides) {
  struct stat target{};
  if (::stat(ns.c_str(), &target) != 0) return false;
  for (const pid_t pid : sys::processes_in("/proc")) {
    struct stat theirs{};
    const std::string link = "/proc/" + std::to_string(pid) + "/ns/net";
    if (::stat(link.c_str(), &theirs) == 0 && theirs.st_ino == target.st_ino &&
        theirs.st_dev == target.st_dev && std::ranges::find(besides, pid) == besides.end())
      return true;
  }
  return false;
}

}  // namespace reprise::network
