// SPDX-License-Identifier: Apache-2.0
#include "network/neighbours.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"
#include "network/ip_address.h"
#include "network/orphans.h"

namespace reprise::network {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::string_view kFamily = "inet";

// Sockets are numbered anew by every restore.
bool is_same(const Connection& one, const Connection& other) {
  return one.local == other.local && one.local_port == other.local_port && one.peer == other.peer &&
         one.peer_port == other.peer_port;
}

const Connection* find(const std::vector<Connection>& among, const Connection& connection) {
  const auto found =
      std::ranges::find_if(among, [&](const auto& c) { return is_same(c, connection); });
  return found == among.end() ? nullptr : &*found;
}

bool either_way(const std::vector<Connection>& among, const Connection& connection) {
  return find(among, connection) != nullptr || find(among, reversed(connection)) != nullptr;
}

// One element of a set: {"elem": {"val": {"concat": [PEER, PORT, LOCAL, PORT]}, …}}.
Connection read_element(const json& element) {
  const json& value = element.at("elem").at("val").at("concat");
  return {.local = value.at(2).get<std::string>(),
          .local_port = value.at(3).get<std::uint16_t>(),
          .peer = value.at(0).get<std::string>(),
          .peer_port = value.at(1).get<std::uint16_t>()};
}

Result<std::vector<Held>> list_held(const NetworkNamespace& network) {
  return parse_held(REPRISE_TRY(run_inside(network, {"nft", "--json", "list", "sets"}),
                                "looking for holds between containers"));
}

Result<void> change(const NetworkNamespace& network, const std::string& script) {
  if (script.empty()) return {};
  REPRISE_PASS(run_inside(network, {"nft", "-f", "-"}, script));
  return {};
}

// Both directions.
std::vector<Connection> held_by(const base::ContainerKey& container,
                                const std::vector<Held>& held) {
  const auto ours = std::ranges::find(held, hold_name(container), &Held::table);
  return ours == held.end() ? std::vector<Connection>() : ours->connections;
}

Result<void> end_held(const NetworkNamespace& network, const std::vector<Held>& held,
                      const std::vector<Connection>& connections) {
  REPRISE_TRY(change(network, release_script(held, connections)), "ending connections");
  return destroy_sockets(network, connections);
}

}  // namespace

Result<std::optional<sys::FileLock>> lock_network(const NetworkNamespace& network,
                                                  const std::vector<pid_t>& ours,
                                                  std::chrono::milliseconds patience) {
  if (!is_inhabited(network, ours)) return std::nullopt;
  return REPRISE_TRY(sys::FileLock::lock_existing(network, patience),
                     "waiting for another container of the same network");
}

std::string encode_connections(const std::vector<Connection>& connections) {
  json list = json::array();
  for (const Connection& c : connections)
    list.push_back({{"local", c.local},
                    {"local-port", c.local_port},
                    {"peer", c.peer},
                    {"peer-port", c.peer_port}});
  return json_writer::print(list) + "\n";
}

Result<std::vector<Connection>> decode_connections(std::string_view text) {
  std::vector<Connection> connections;
  try {
    for (const json& entry : json_reader::parse(text))
      connections.push_back({.local = entry.at("local").get<std::string>(),
                             .local_port = entry.at("local-port").get<std::uint16_t>(),
                             .peer = entry.at("peer").get<std::string>(),
                             .peer_port = entry.at("peer-port").get<std::uint16_t>()});
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("unreadable list of connections: ") + error.what());
  }
  return connections;
}

Connection reversed(const Connection& connection) {
  return {.local = connection.peer,
          .local_port = connection.peer_port,
          .peer = connection.local,
          .peer_port = connection.local_port};
}

Result<std::vector<Held>> parse_held(std::string_view nft_json) {
  std::vector<Held> tables;
  try {
    const json listed = json_reader::parse(nft_json);
    for (const json& entry : listed.at("nftables")) {
      if (!entry.contains("set")) continue;
      const json& set = entry.at("set");
      const auto name = set.at("table").get<std::string>();
      if (!name.starts_with(kHoldPrefix) || set.at("family").get<std::string>() != kFamily)
        continue;
      auto table = std::ranges::find(tables, name, &Held::table);
      if (table == tables.end()) table = tables.insert(table, {.table = name, .connections = {}});
      for (const json& element : set.value("elem", json::array()))
        table->connections.push_back(read_element(element));
    }
  } catch (const json::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unreadable output of 'nft': ") + error.what());
  }
  return tables;
}

std::vector<Connection> choose_neighbours(const std::vector<Connection>& all,
                                          const std::set<std::uint64_t>& own_sockets,
                                          const std::vector<std::string>& own_addresses,
                                          const std::vector<Held>& held) {
  std::vector<Connection> chosen;
  for (const Connection& connection : all) {
    if (!own_sockets.contains(connection.inode) || is_outside(connection, own_addresses)) continue;
    const Connection* const other = find(all, reversed(connection));
    // Without a process there is nobody who could be restored, or whom a reset could hurt.
    const bool lives = other != nullptr && other->inode != 0 && !own_sockets.contains(other->inode);
    const bool is_away = other == nullptr && std::ranges::any_of(held, [&](const Held& table) {
                           return either_way(table.connections, connection);
                         });
    if (lives || is_away) chosen.push_back(connection);
  }
  return chosen;
}

std::string release_script(const std::vector<Held>& held,
                           const std::vector<Connection>& connections) {
  std::ostringstream script;
  for (const auto& [table, elements] : held) {
    const auto leaves = [&](const Connection& c) { return either_way(connections, c); };
    if (std::ranges::all_of(elements, leaves)) {
      script << "delete table " << kFamily << ' ' << table << '\n';
      continue;
    }
    for (const Connection& c : elements) {
      if (!leaves(c)) continue;
      script << "delete element " << kFamily << ' ' << table
             << (is_ipv6(c.local) ? " held6" : " held4") << " { " << set_element(c) << " }\n";
    }
  }
  return script.str();
}

std::vector<Connection> without_ends(const std::vector<Connection>& connections,
                                     const std::vector<Connection>& present) {
  std::vector<Connection> owned;
  std::ranges::copy_if(present, std::back_inserter(owned),
                       [](const Connection& c) { return c.inode != 0; });
  std::vector<Connection> none;
  std::ranges::copy_if(connections, std::back_inserter(none),
                       [&](const Connection& c) { return !either_way(owned, c); });
  return none;
}

Result<std::vector<Connection>> neighbour_connections(const HoldRequest& request) {
  const auto look = [&]() -> Result<std::vector<Connection>> {
    const auto all = REPRISE_PASS(list_connections(request.network));
    const auto own = sockets_of("/proc", request.init);
    return choose_neighbours(all, own, request.own, REPRISE_PASS(list_held(request.network)));
  };
  return REPRISE_TRY(look(), "looking for connections to other containers");
}

Result<void> hold_neighbours(const base::ContainerKey& container, const NetworkNamespace& network,
                             const std::vector<Connection>& connections) {
  std::vector<Connection> both_ways = connections;
  for (const Connection& connection : connections) both_ways.push_back(reversed(connection));
  REPRISE_TRY(
      change(network, hold_script(kFamily, hold_name(container), both_ways, HoldAt::kInput)),
      "holding connections of '" + container.str() + "' to other containers");
  return {};
}

Result<std::vector<Connection>> release_complete(const NetworkNamespace& network,
                                                 const std::vector<Connection>& ours) {
  const auto present = REPRISE_TRY(list_connections(network), "looking for both ends");
  const std::vector<Held> held = REPRISE_PASS(list_held(network));
  const auto is_complete = [&](const Connection& c) {
    return find(present, c) != nullptr && find(present, reversed(c)) != nullptr;
  };
  std::vector<Connection> complete;
  for (const Held& table : held)
    std::ranges::copy_if(table.connections, std::back_inserter(complete), is_complete);
  REPRISE_TRY(change(network, release_script(held, complete)), "letting connections go on");
  std::vector<Connection> lonely;
  std::ranges::copy_if(ours, std::back_inserter(lonely),
                       [&](const Connection& c) { return !is_complete(c); });
  return lonely;
}

Result<void> end_connections(const NetworkNamespace& network,
                             const std::vector<Connection>& connections) {
  if (connections.empty()) return {};
  return end_held(network, REPRISE_PASS(list_held(network)), connections);
}

Result<void> end_neighbours(const base::ContainerKey& container, const NetworkNamespace& network) {
  const std::vector<Held> held = REPRISE_PASS(list_held(network));
  const std::vector<Connection> connections = held_by(container, held);
  if (connections.empty()) return {};
  return end_held(network, held, connections);
}

Result<void> drop_hold(const base::ContainerKey& container, const NetworkNamespace& network) {
  std::vector<Held> held = REPRISE_PASS(list_held(network));
  std::erase_if(held, [&](const Held& table) { return table.table != hold_name(container); });
  const auto needless =
      without_ends(held_by(container, held), REPRISE_PASS(list_connections(network)));
  REPRISE_TRY(change(network, release_script(held, needless)),
              "dropping the hold of '" + container.str() + "'");
  return {};
}

Result<void> lift_neighbours(const base::ContainerKey& container, const NetworkNamespace& network) {
  const std::vector<Held> held = REPRISE_PASS(list_held(network));
  REPRISE_TRY(change(network, release_script(held, held_by(container, held))),
              "lifting the hold of '" + container.str() + "'");
  return {};
}

}  // namespace reprise::network
