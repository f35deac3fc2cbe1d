// SPDX-License-Identifier: Apache-2.0
#include "network/network_setup.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"
#include "network/connection_hold.h"
#include "network/ip_address.h"

namespace reprise::network {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

using Lines = std::vector<std::string>;

constexpr std::array<std::pair<const char*, Lines NetworkSetup::*>, 6> kLines = {
    {{"addresses", &NetworkSetup::addresses},
     {"routes4", &NetworkSetup::routes4},
     {"routes6", &NetworkSetup::routes6},
     {"rules4", &NetworkSetup::rules4},
     {"rules6", &NetworkSetup::rules6},
     {"neighbours", &NetworkSetup::neighbours}}};

// What changes by itself, or follows from something else.
bool is_volatile(const std::string& key) {
  for (const char* part : {"timer", "_id", "root_port", "root_path_cost", "topology", "group_addr"})
    if (key.find(part) != std::string::npos) return true;
  return false;
}

// What a program may have set on any link, and the kernel does not by itself.
std::string unusual_settings(const json& link) {
  constexpr int kUsualQueue = 1000;
  const json flags = link.value("flags", json::array());
  const auto has = [&flags](const char* flag) {
    return std::ranges::find(flags, json(flag)) != flags.end();
  };
  std::string settings;
  const auto add = [&settings](const std::string& one) {
    settings += (settings.empty() ? "" : " ") + one;
  };
  if (has("NOARP")) add("arp off");
  if (has("PROMISC")) add("promisc on");
  if (has("ALLMULTI")) add("allmulticast on");
  if (has("BROADCAST") && !has("MULTICAST")) add("multicast off");
  if (const int queue = link.value("txqlen", kUsualQueue); queue != kUsualQueue)
    add("txqueuelen " + std::to_string(queue));
  const std::string group = link.value("group", "default");
  if (group.find_first_not_of("0123456789") == std::string::npos) add("group " + group);
  return settings;
}

// They come from a checkpoint.
bool are_settings(const std::string& text) {
  constexpr std::array<std::string_view, 8> kWords = {
      "arp", "promisc", "allmulticast", "multicast", "txqueuelen", "group", "on", "off"};
  std::istringstream words(text);
  for (std::string word; words >> word;)
    if (std::ranges::find(kWords, std::string_view(word)) == kWords.end() &&
        word.find_first_not_of("0123456789") != std::string::npos)
      return false;
  return text.find('\n') == std::string::npos;
}

NetworkLink read_link(const json& link) {
  NetworkLink read{.index = link.value("ifindex", 0),
                   .mtu = link.value("mtu", 0),
                   .address = link.value("address", ""),
                   .master = link.value("master", ""),
                   .peer = link.value("link", ""),
                   .settings = unusual_settings(link)};
  for (const json& flag : link.value("flags", json::array())) read.up |= flag == "UP";
  const json info = link.value("linkinfo", json::object());
  read.kind = info.value("info_kind", "");
  if (read.kind == "veth") read.foreign = read.peer.empty() || link.contains("link_netnsid");
  json details = json::object();
  const json data = info.value("info_data", json::object());
  for (const auto& [key, value] : data.items())
    if (!is_volatile(key)) details[key] = value;
  if (!details.empty()) read.details = json_writer::print(details);
  return read;
}

std::string address_line(const json& address, const std::string& link) {
  const auto local = address.at("local").get<std::string>();
  std::string line = local;
  if (address.contains("address")) line += " peer " + address.at("address").get<std::string>();
  line += "/" + std::to_string(address.at("prefixlen").get<int>());
  if (address.contains("broadcast"))
    line += " broadcast " + address.at("broadcast").get<std::string>();
  line += " dev " + link;
  const std::string label = address.value("label", link);
  if (label != link) line += " label " + label;
  const std::string scope = address.value("scope", "global");
  if (scope != "global" && !is_ipv6(local)) line += " scope " + scope;
  if (address.value("noprefixroute", false)) line += " noprefixroute";
  return line;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), by);
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.pop_back();
  return text;
}

Lines without(const Lines& lines, const Lines& known) {
  Lines left;
  std::ranges::copy_if(lines, std::back_inserter(left), [&](const std::string& line) {
    return std::ranges::find(known, line) == known.end();
  });
  return left;
}

json to_json(const NetworkSetup& setup) {
  json root;
  for (const auto& [name, link] : setup.links)
    root["links"][name] = {{"kind", link.kind},
                           {"index", link.index},
                           {"mtu", link.mtu},
                           {"address", link.address},
                           {"master", link.master},
                           {"peer", link.peer},
                           {"up", link.up},
                           {"foreign", link.foreign},
                           {"details", link.details},
                           {"settings", link.settings},
                           {"readdressed", link.readdressed}};
  for (const auto& [name, lines] : kLines)
    if (!(setup.*lines).empty()) root[name] = setup.*lines;
  if (!setup.tables.empty()) root["tables"] = setup.tables;
  if (!setup.iptables4.empty()) root["iptables4"] = setup.iptables4;
  if (!setup.iptables6.empty()) root["iptables6"] = setup.iptables6;
  if (!setup.others.empty()) root["others"] = setup.others;
  return root.is_null() ? json::object() : root;
}

NetworkSetup from_json(const json& root) {
  NetworkSetup setup;
  const json links = root.value("links", json::object());
  for (const auto& [name, link] : links.items())
    setup.links[name] = {.kind = link.at("kind").get<std::string>(),
                         .index = link.at("index").get<int>(),
                         .mtu = link.at("mtu").get<int>(),
                         .address = link.at("address").get<std::string>(),
                         .master = link.at("master").get<std::string>(),
                         .peer = link.at("peer").get<std::string>(),
                         .up = link.at("up").get<bool>(),
                         .foreign = link.at("foreign").get<bool>(),
                         .readdressed = link.value("readdressed", false),
                         .details = link.at("details").get<std::string>(),
                         .settings = link.value("settings", "")};
  for (const auto& [name, lines] : kLines) setup.*lines = root.value(name, Lines{});
  setup.tables = root.value("tables", std::map<std::string, std::string>{});
  setup.iptables4 = root.value("iptables4", "");
  setup.iptables6 = root.value("iptables6", "");
  setup.others = root.value("others", Lines{});
  return setup;
}

// What is handed to the tools of the host comes from a checkpoint: only what lists of theirs say.
bool is_plain(const std::string& line) {
  for (const char* word : {" netns ", " encap ", " bpf ", " object ", "\n"})
    if ((" " + line + " ").find(word) != std::string::npos) return false;
  return !line.empty() && !line.starts_with('-');
}

bool is_name(const std::string& name) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ
  return !name.empty() && name.size() <= kLongest && !name.starts_with('-') &&
         name.find_first_of(" \t\n/'\"") == std::string::npos;
}

Result<void> check(const NetworkSetup& setup) {
  std::string bad;
  for (const auto& [name, link] : setup.links) {
    if (!is_name(name)) bad = name;
    if (!are_settings(link.settings)) bad = link.settings;
    for (const std::string* other : {&link.master, &link.peer, &link.kind, &link.address})
      if (!other->empty() && other->find_first_of(" \t\n") != std::string::npos) bad = *other;
  }
  for (const auto& [name, lines] : kLines)
    for (const std::string& line : setup.*lines)
      if (!is_plain(line)) bad = line;
  for (const auto& [name, text] : setup.tables)
    if (text.find("include \"") != std::string::npos) bad = name;
  if (bad.empty()) return {};
  return fail(ErrorCode::kCorrupt, "'" + bad + "' cannot be in a network's record");
}

// The kernel gives every link an address of its own. It says so since Linux 5.18; before, the usual
// ones are told by their form.
bool is_kernels_own(const json& address) {
  return address.value("protocol", "") == "kernel_ll" ||
         address.at("local").get<std::string>().find("ff:fe") != std::string::npos;
}

// A link to the outside that was not there, or is another than before: the kernel gives each link
// of a namespace a number of its own.
bool is_podmans(const NetworkSetup& before, const std::string& name, const NetworkLink& link) {
  const auto known = before.links.find(name);
  return link.foreign && (known == before.links.end() || known->second.index != link.index);
}

std::unexpected<base::Error> unreadable(const json::exception& error) {
  return fail(ErrorCode::kCorrupt, std::string("unreadable record of a network: ") + error.what());
}

}  // namespace

std::map<std::string, NetworkLink> parse_links(std::string_view ip_json) {
  std::map<std::string, NetworkLink> links;
  for (const json& link : json_reader::parse(ip_json))
    if (link.contains("ifname")) links[link.at("ifname").get<std::string>()] = read_link(link);
  return links;
}

std::vector<std::string> parse_address_lines(std::string_view ip_json) {
  Lines lines;
  for (const json& link : json_reader::parse(ip_json))
    for (const json& address : link.value("addr_info", json::array())) {
      if (!address.contains("local") || address.value("dynamic", false)) continue;
      const bool ipv6 = is_ipv6(address.at("local").get<std::string>());
      const std::string scope = address.value("scope", "");
      if (scope == "host" && link.value("ifname", "") == "lo") continue;
      if (ipv6 && scope == "link" && is_kernels_own(address)) continue;
      lines.push_back(address_line(address, link.value("ifname", "")));
    }
  return lines;
}

std::vector<std::string> parse_routes(std::string_view text) {
  Lines routes;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::string padded = line + " ";
    const auto says = [&](std::string_view what) { return padded.find(what) != std::string::npos; };
    if (says(" proto kernel ") || says(" proto ra ") || says(" proto redirect ") ||
        says(" expires "))
      continue;
    replace_all(line, "\\", " ");
    for (const char* state : {" linkdown", " dead", " offload", " trap"})
      replace_all(line, state, "");
    if (const std::size_t at = line.find(" error "); at != std::string::npos) {
      const std::size_t end = line.find(' ', at + std::string_view(" error ").size());
      line.erase(at, end == std::string::npos ? end : end - at);
    }
    if (line = trimmed(line); !line.empty()) routes.push_back(line);
  }
  return routes;
}

std::vector<std::string> parse_rules(std::string_view text) {
  Lines rules;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string rule = line.substr(colon + 1);
    replace_all(rule, " [detached]", "");
    rule.erase(0, rule.find_first_not_of(" \t"));
    rules.push_back(trimmed(rule) + " pref " + line.substr(0, colon));
  }
  return rules;
}

std::map<std::string, std::string> parse_tables(std::string_view ruleset) {
  std::map<std::string, std::string> tables;
  std::istringstream lines{std::string(ruleset)};
  std::string name;
  std::string body;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("table ")) {
      std::istringstream fields(line);
      std::string word, family, table;
      fields >> word >> family >> table;
      name = family + " " + table;
      body.clear();
      if (table.starts_with("CRIU-") || table.starts_with("reprise-")) name.clear();
    }
    body += line + "\n";
    if (line != "}" && !line.ends_with(" { }")) continue;
    if (!name.empty()) tables[name] = body;
    name.clear();
  }
  return tables;
}

NetworkChange difference(const NetworkSetup& before, const NetworkSetup& now) {
  NetworkChange change;
  for (const auto& [name, link] : now.links) {
    // Networks come and go while a container runs (podman network connect).
    const auto known = before.links.find(name);
    if (is_podmans(before, name, link) || (known != before.links.end() && known->second == link))
      continue;
    // A peer has made itself known: nothing that was set up.
    NetworkLink same = known == before.links.end() ? NetworkLink() : known->second;
    same.index = link.index;
    same.details = link.details;
    if (known != before.links.end() && same == link) continue;
    NetworkLink& added = change.added.links[name] = link;
    added.readdressed = link.foreign && same.address != link.address;
  }
  // Lines of links that Podman took away or gave are its own (podman network connect, disconnect).
  const auto is_podmans_line = [&](const std::string& line) {
    const auto names = [&](const std::string& name) {
      return (line + " ").contains(" dev " + name + " ");
    };
    return std::ranges::any_of(before.links,
                               [&](const auto& entry) {
                                 return names(entry.first) && !now.links.contains(entry.first);
                               }) ||
           std::ranges::any_of(now.links, [&](const auto& entry) {
             return names(entry.first) && is_podmans(before, entry.first, entry.second);
           });
  };
  for (const auto& [name, lines] : kLines) {
    change.added.*lines = without(now.*lines, before.*lines);
    change.removed.*lines = without(before.*lines, now.*lines);
    std::erase_if(change.added.*lines, is_podmans_line);
    std::erase_if(change.removed.*lines, is_podmans_line);
  }
  for (const auto& [name, text] : now.tables)
    if (const auto same = before.tables.find(name);
        same == before.tables.end() || same->second != text)
      change.added.tables[name] = text;
  if (now.iptables4 != before.iptables4) change.added.iptables4 = now.iptables4;
  if (now.iptables6 != before.iptables6) change.added.iptables6 = now.iptables6;
  change.added.others = without(now.others, before.others);
  return change;
}

std::string encode_setup(const NetworkSetup& setup) {
  return json_writer::print(to_json(setup)) + "\n";
}

Result<NetworkSetup> decode_setup(std::string_view text) {
  try {
    NetworkSetup setup = from_json(json_reader::parse(text));
    REPRISE_PASS(check(setup));
    return setup;
  } catch (const json::exception& error) {
    return unreadable(error);
  }
}

std::string encode_change(const NetworkChange& change) {
  const json root{{"added", to_json(change.added)}, {"removed", to_json(change.removed)}};
  return json_writer::print(root) + "\n";
}

Result<NetworkChange> decode_change(std::string_view text) {
  try {
    const json root = json_reader::parse(text);
    NetworkChange change{.added = from_json(root.at("added")),
                         .removed = from_json(root.at("removed"))};
    REPRISE_PASS(check(change.added));
    REPRISE_PASS(check(change.removed));
    return change;
  } catch (const json::exception& error) {
    return unreadable(error);
  }
}

}  // namespace reprise::network
