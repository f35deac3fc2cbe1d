// SPDX-License-Identifier: Apache-2.0
#include "container/network.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sys/child.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kToolLimit{20};
constexpr const char* kBlockTable = "inet reprise-restore";

std::string without_prefix_length(const std::string& address) {
  return address.substr(0, address.find('/'));
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
    for (const json& link : json::parse(ip_json)) {
      const bool loopback = link.value("ifname", "") == "lo";
      for (const json& address : link.value("addr_info", json::array()))
        if (address.value("scope", "") == "global")
          (loopback ? found.adopted : found.own)
              .push_back(address.at("local").get<std::string>() + "/" +
                         std::to_string(address.at("prefixlen").get<int>()));
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

Result<std::vector<std::string>> addresses(const NetworkNamespace& ns) {
  const std::string out =
      REPRISE_TRY(run_inside(ns, {"ip", "-json", "address"}), "reading addresses");
  InterfaceAddresses found = REPRISE_PASS(parse_addresses(out));
  std::vector<std::string> in_use = std::move(found.own);
  for (std::string& address : found.adopted) {
    const std::string sockets =
        REPRISE_TRY(run_inside(ns, {"ss", "--no-header", "--numeric", "--all", "--tcp", "--udp",
                                    "src", without_prefix_length(address)}),
                    "looking for sockets of '" + address + "'");
    if (!sockets.empty()) in_use.push_back(std::move(address));
  }
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

Result<std::vector<std::string>> adopt_addresses(const NetworkNamespace& ns,
                                                 const std::vector<std::string>& wanted) {
  const std::string out =
      REPRISE_TRY(run_inside(ns, {"ip", "-json", "address"}), "reading addresses");
  const std::vector<std::string> present = REPRISE_PASS(parse_addresses(out)).own;
  std::vector<std::string> adopted;
  for (const std::string& address : wanted) {
    const std::string bare = without_prefix_length(address);
    if (std::ranges::any_of(present,
                            [&](const auto& p) { return without_prefix_length(p) == bare; }))
      continue;
    const std::string host = bare + (bare.find(':') == std::string::npos ? "/32" : "/128");
    if (adopted.empty())
      // arp_ignore 1: answer only for addresses of the interface that was asked.
      REPRISE_TRY(run_inside(ns, {"sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore"}),
                  "keeping adopted addresses private");
    REPRISE_TRY(run_inside(ns, {"ip", "address", "replace", host, "dev", "lo"}),
                "adopting address '" + bare + "'");
    adopted.push_back(bare);
  }
  return adopted;
}

Result<std::vector<std::string>> adopted_among(const NetworkNamespace& ns,
                                               const std::vector<std::string>& addresses) {
  const std::string out =
      REPRISE_TRY(run_inside(ns, {"ip", "-json", "address"}), "reading addresses");
  const std::vector<std::string> on_lo = REPRISE_PASS(parse_addresses(out)).adopted;
  std::vector<std::string> adopted;
  for (const std::string& address : addresses) {
    const std::string bare = without_prefix_length(address);
    if (std::ranges::any_of(on_lo, [&](const auto& a) { return without_prefix_length(a) == bare; }))
      adopted.push_back(bare);
  }
  return adopted;
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
                               const std::vector<std::string>& to_release) {
  for (const std::string& address : to_release) {
    const std::string bare = without_prefix_length(address);
    const std::string on_lo = REPRISE_PASS(
        run_inside(ns, {"ip", "-oneline", "address", "show", "dev", "lo", "to", bare}));
    if (on_lo.empty()) continue;
    REPRISE_TRY(run_inside(ns, {"ip", "address", "delete", bare, "dev", "lo"}),
                "releasing address '" + bare + "'");
  }
  return {};
}

Result<void> reset_outside_connections(const NetworkNamespace& ns,
                                       const std::vector<std::string>& adopted) {
  for (const std::string& address : adopted) {
    std::vector<std::string> command = {"ss",        "--kill", "--tcp", "state",
                                        "connected", "src",    address};
    // Connections to an own address stay inside the namespace and go on.
    for (const std::string& own : adopted) command.insert(command.end(), {"not", "dst", own});
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

}  // namespace reprise::container
