// SPDX-License-Identifier: Apache-2.0
#include "network/connection_hold.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "container/task_tree.h"
#include "json/reader.h"
#include "network/ip_address.h"
#include "sys/child.h"
#include "sys/proc_entries.h"

namespace reprise::network {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds kNftLimit{20};

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

// "10.88.0.5%eth0:80", "[fe80::1]%eth0:80", "[fe80::1%eth0]:80", "[::ffff:10.88.0.5]:80". Without
// the interface: the host knows it by another name.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number<std::uint16_t>(text.substr(colon + 1));
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[')) {
    address.remove_prefix(1);
    address = address.substr(0, address.find(']'));
  }
  address = address.substr(0, address.find('%'));
  // Nothing but what inet_pton takes may reach an nft script.
  auto plain = canonical_address(std::string(address));
  if (!port || !plain) return std::nullopt;
  return Endpoint{.address = *std::move(plain), .port = *port};
}

std::optional<Connection> parse_line(const std::string& line) {
  std::istringstream fields(line);
  std::string state, receive_queue, send_queue, local, peer;
  if (!(fields >> state >> receive_queue >> send_queue >> local >> peer)) return std::nullopt;
  const auto ours = parse_endpoint(local);
  const auto theirs = parse_endpoint(peer);
  if (!ours || !theirs) return std::nullopt;
  Connection connection{.local = ours->address,
                        .local_port = ours->port,
                        .peer = theirs->address,
                        .peer_port = theirs->port};
  constexpr std::string_view kInode = "ino:";
  for (std::string field; fields >> field;)
    if (field.starts_with(kInode))
      connection.inode =
          number<std::uint64_t>(std::string_view(field).substr(kInode.size())).value_or(0);
  return connection;
}

std::string elements(std::string_view family, std::string_view name, std::string_view set,
                     const std::vector<Connection>& connections, bool ipv6) {
  std::ostringstream script;
  std::string_view before = "add element ";
  for (const Connection& c : connections) {
    if (is_ipv6(c.local) != ipv6) continue;
    if (before != ", ")
      script << before << family << ' ' << name << ' ' << set << " { ";
    else
      script << before;
    script << set_element(c);
    before = ", ";
  }
  if (before == ", ") script << " }\n";
  return script.str();
}

Result<std::string> nft(std::vector<std::string> arguments, std::string_view input = {}) {
  arguments.insert(arguments.begin(), "nft");
  return sys::run_ok(std::move(arguments), kNftLimit, input);
}

Result<std::vector<HoldTable>> list_holds() {
  return parse_hold_tables(REPRISE_TRY(nft({"--json", "list", "tables"}), "looking for holds"));
}

Result<void> remove(const HoldTable& table) {
  const Result<std::string> removed =
      nft({"delete", "table", table.family, "handle", std::to_string(table.handle)});
  if (removed) return {};
  // Another session may have been faster.
  const auto left = REPRISE_PASS(list_holds());
  if (std::ranges::find(left, table) == left.end()) return {};
  return std::unexpected(removed.error());
}

bool has_run_out(const HoldTable& table) {
  const auto listed = nft({"--json", "list", "table", table.family, table.name});
  return listed && !holds_any(*listed);
}

bool is_namespace_of_caller(const NetworkNamespace& network) {
  struct stat theirs{};
  struct stat ours{};
  return ::stat(network.c_str(), &theirs) == 0 && ::stat("/proc/self/ns/net", &ours) == 0 &&
         theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev;
}

// Others in the namespace run on, so only what the container's own processes have open.
Result<std::vector<Connection>> outside_connections(const HoldRequest& request) {
  std::vector<Connection> connections =
      REPRISE_TRY(list_connections(request.network), "looking for outside connections");
  std::erase_if(connections, [&](const auto& c) { return !is_outside(c, request.own); });
  if (connections.empty()) return connections;
  const std::set<std::uint64_t> open = sockets_of("/proc", request.init);
  std::erase_if(connections, [&](const auto& c) { return !open.contains(c.inode); });
  return connections;
}

}  // namespace

Result<std::vector<Connection>> parse_connections(std::string_view ss_output) {
  std::vector<Connection> connections;
  std::istringstream lines{std::string(ss_output)};
  for (std::string line; std::getline(lines, line);) {
    const auto connection = parse_line(line);
    if (!connection) return fail(ErrorCode::kInternal, "unreadable output of 'ss': '" + line + "'");
    connections.push_back(*connection);
  }
  return connections;
}

Result<std::vector<Connection>> list_connections(const NetworkNamespace& network) {
  return parse_connections(
      REPRISE_PASS(run_inside(network, {"ss", "--no-header", "--numeric", "--extended", "--tcp",
                                        "state", "synchronized", "exclude", "time-wait"})));
}

bool is_outside(const Connection& connection, const std::vector<std::string>& own) {
  if (connection.peer == "::1" || connection.peer.starts_with("127.")) return false;
  return std::ranges::none_of(own, [&](const std::string& address) {
    return split_address(address).bare == connection.peer;
  });
}

std::set<std::uint64_t> sockets_of(const std::filesystem::path& proc, pid_t init) {
  constexpr std::string_view kSocket = "socket:[";
  std::set<std::uint64_t> inodes;
  for (const pid_t process : container::processes_of(proc, init)) {
    for (const auto& [fd, target] : sys::open_files_of(proc / std::to_string(process))) {
      if (!target.starts_with(kSocket)) continue;
      const std::string_view digits = std::string_view(target).substr(kSocket.size());
      if (const auto inode = number<std::uint64_t>(digits.substr(0, digits.find(']'))))
        inodes.insert(*inode);
    }
  }
  return inodes;
}

std::string set_element(const Connection& connection) {
  return connection.peer + " . " + std::to_string(connection.peer_port) + " . " + connection.local +
         " . " + std::to_string(connection.local_port);
}

std::string hold_name(const base::ContainerKey& container) {
  constexpr std::size_t kLongest = 200;  // nftables: 255
  std::string name = container.str();
  if (name.size() > kLongest) name.erase(0, name.size() - kLongest);
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  for (char& c : name)
    if (kAllowed.find(c) == std::string_view::npos) c = '_';
  return std::string(kHoldPrefix) + name;
}

// After every translation of addresses (srcnat is 100), so that packets carry what the container's
// sockets know, whether they come from the host itself, through it, or past a port of its bridge.
std::string hold_script(std::string_view family, std::string_view name,
                        const std::vector<Connection>& connections, HoldAt where) {
  std::ostringstream script;
  // Added before it is deleted, since deleting what is not there is an error; one transaction.
  script << "add table " << family << ' ' << name << "\ndelete table " << family << ' ' << name
         << "\ntable " << family << ' ' << name << " {\n";
  for (const std::string_view version : {"4", "6"})
    script << "  set held" << version << " { type ipv" << version << "_addr . inet_service . ipv"
           << version << "_addr . inet_service; timeout " << kHoldTime.count() << "m; }\n";
  const std::string_view hook = where == HoldAt::kInput ? "input" : "postrouting";
  script << "  chain " << hook << " { type filter hook " << hook << " priority 300;\n";
  for (const auto& [protocol, set] : {std::pair{"ip", "held4"}, std::pair{"ip6", "held6"}})
    script << "    " << protocol << " saddr . tcp sport . " << protocol << " daddr . tcp dport @"
           << set << " drop\n";
  script << "  }\n}\n"
         << elements(family, name, "held4", connections, false)
         << elements(family, name, "held6", connections, true);
  return script.str();
}

Result<std::vector<HoldTable>> parse_hold_tables(std::string_view nft_json) {
  std::vector<HoldTable> tables;
  try {
    const json listed = json_reader::parse(nft_json);
    for (const json& entry : listed.at("nftables")) {
      if (!entry.contains("table")) continue;
      const json& table = entry.at("table");
      if (table.at("name").get<std::string>().starts_with(kHoldPrefix))
        tables.push_back({.family = table.at("family").get<std::string>(),
                          .name = table.at("name").get<std::string>(),
                          .handle = table.at("handle").get<std::uint64_t>()});
    }
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unreadable output of 'nft': ") + error.what());
  }
  return tables;
}

bool holds_any(std::string_view nft_json) {
  const json listed = json_reader::parse_or_discarded(nft_json);
  // What cannot be read is not known to have run out.
  if (!listed.is_object() || !listed.contains("nftables")) return true;
  return std::ranges::any_of(listed.at("nftables"), [](const json& entry) {
    return entry.contains("set") && entry.at("set").contains("elem");
  });
}

Result<std::size_t> hold_connections(const HoldRequest& request) {
  if (is_namespace_of_caller(request.network)) return 0;
  const std::vector<Connection> connections = REPRISE_PASS(outside_connections(request));
  if (connections.empty()) return 0;
  const std::string name = hold_name(request.container);
  const std::string script = hold_script("inet", name, connections);
  // The bridge: for peers on the same one, whose packets pass inet only where br_netfilter is on.
  // Without them where the kernel does not have that family.
  if (!nft({"-f", "-"}, script + hold_script("bridge", name, connections)))
    REPRISE_TRY(nft({"-f", "-"}, script),
                "holding connections of '" + request.container.str() + "'");
  return connections.size();
}

Result<void> lift_hold(const base::ContainerKey& container) {
  const std::string name = hold_name(container);
  Result<void> first{};
  for (const HoldTable& table : REPRISE_PASS(list_holds())) {
    const bool ours = table.name == name;
    if (!ours && !has_run_out(table)) continue;
    const Result<void> removed = remove(table);
    if (!removed && ours && first) first = removed;
  }
  return first;
}

}  // namespace reprise::network
