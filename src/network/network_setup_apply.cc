// SPDX-License-Identifier: Apache-2.0
//
// What drives the tools: see network_setup.h.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "network/ip_address.h"
#include "network/network_setup.h"
#include "sys/namespaces.h"

namespace reprise::network {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

using Lines = std::vector<std::string>;

// One after the other, each ended by NUL; all in one shell, since a container waits for it.
constexpr const char* kLook =
    "set -e; "
    "ip -json -details address; printf '\\0'; "
    "ip -oneline -4 route show table all; printf '\\0'; "
    // A kernel without IPv6 has neither.
    "{ ip -oneline -6 route show table all 2>/dev/null || true; }; printf '\\0'; "
    "ip -4 rule; printf '\\0'; "
    "{ ip -6 rule 2>/dev/null || true; }; printf '\\0'; "
    "ip neighbour show nud permanent; ip neighbour show proxy; printf '\\0'; "
    "nft list ruleset; printf '\\0'; "
    "cat /proc/self/net/ip_tables_names 2>/dev/null || true; printf '\\0'; "
    "cat /proc/self/net/ip6_tables_names 2>/dev/null || true; printf '\\0'; "
    "q=$(tc qdisc show); printf '%s\\n' \"$q\" | grep -v ' 0: ' || true; printf '\\0'; "
    "{ ip xfrm state 2>/dev/null || true; ip xfrm policy 2>/dev/null || true; }; printf '\\0'";
enum Answer : std::uint8_t {
  kLinks,
  kRoutes4,
  kRoutes6,
  kRules4,
  kRules6,
  kNeighbours,
  kTables,
  kIptables4,
  kIptables6,
  kQueues,
  kIpsec,
  kAnswers,
};

Lines split_answers(const std::string& text) {
  Lines answers;
  std::istringstream stream(text);
  for (std::string answer; std::getline(stream, answer, '\0');) answers.push_back(answer);
  return answers;
}

// "10.77.0.9 dev br7 lladdr 02:00:00:00:00:01 PERMANENT", "10.77.0.10 dev br7 proxy".
Lines parse_neighbours(const std::string& text) {
  Lines neighbours;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find(" PERMANENT");
    if (const std::size_t proxy = line.find(" proxy"); proxy != std::string::npos)
      neighbours.push_back("proxy " + line.substr(0, proxy));
    if (at == std::string::npos) continue;
    neighbours.push_back(line.substr(0, at) + " nud permanent");
  }
  return neighbours;
}

// Without comments, which have the time, and without counters.
std::string plain_iptables(const std::string& saved) {
  std::string plain;
  std::istringstream lines(saved);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with(':')) line = line.substr(0, line.find(" ["));
    plain += line + "\n";
  }
  return plain;
}

// A table that was only looked at is there, too, but empty.
bool has_rules(const std::string& plain) {
  std::istringstream lines(plain);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("-A") || (line.starts_with(':') && !line.ends_with(" ACCEPT")))
      return true;
  return false;
}

// `names`: of the tables that the kernel has for it.
std::string save_iptables(const NetworkNamespace& ns, const char* tool, const std::string& names,
                          Lines& others) {
  if (names.empty()) return {};
  const auto saved = run_inside(ns, {tool});
  if (!saved) {
    others.push_back("a firewall of the older kind (iptables-legacy), which this host has no '" +
                     std::string(tool) + "' to read");
    return {};
  }
  std::string plain = plain_iptables(*saved);
  return has_rules(plain) ? plain : std::string();
}

Lines queue_names(const std::string& text) {
  Lines names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find(" dev ");
    if (at == std::string::npos) continue;
    const std::string rest = line.substr(at + std::string_view(" dev ").size());
    const std::string text_of = "traffic control on '" + rest.substr(0, rest.find(' ')) + "' (tc)";
    if (std::ranges::find(names, text_of) == names.end()) names.push_back(text_of);
  }
  return names;
}

Result<NetworkSetup> read_answers(const Lines& answers) {
  NetworkSetup setup;
  try {
    setup.links = parse_links(answers[kLinks]);
    setup.addresses = parse_address_lines(answers[kLinks]);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInternal, std::string("unreadable output of 'ip': ") + error.what());
  }
  setup.routes4 = parse_routes(answers[kRoutes4]);
  setup.routes6 = parse_routes(answers[kRoutes6]);
  setup.rules4 = parse_rules(answers[kRules4]);
  setup.rules6 = parse_rules(answers[kRules6]);
  setup.neighbours = parse_neighbours(answers[kNeighbours]);
  setup.tables = parse_tables(answers[kTables]);
  setup.others = queue_names(answers[kQueues]);
  if (!answers[kIpsec].empty()) setup.others.emplace_back("IPsec (ip xfrm)");
  return setup;
}

// --- making it

class Script {
 public:
  explicit Script(const NetworkNamespace& ns) : ns_(ns) {}
  // Each line is what follows `ip`, a command of its own.
  Result<void> run(const char* family, const Lines& lines) {
    for (const std::string& line : lines) {
      std::vector<std::string> command = {"ip"};
      if (family != nullptr) command.emplace_back(family);
      std::istringstream words(line);
      for (std::string word; words >> word;) command.push_back(word);
      REPRISE_TRY(run_inside(ns_, std::move(command)), "'ip " + line + "'");
    }
    return {};
  }

 private:
  const NetworkNamespace& ns_;
};

Lines prefixed(const char* prefix, const Lines& lines, const char* suffix = "") {
  Lines result;
  for (const std::string& line : lines) result.push_back(prefix + line + suffix);
  return result;
}

Lines missing_in(const Lines& wanted, const Lines& present) {
  Lines missing;
  std::ranges::copy_if(wanted, std::back_inserter(missing), [&](const std::string& line) {
    return std::ranges::find(present, line) == present.end();
  });
  return missing;
}

Lines present_in(const Lines& wanted, const Lines& present) {
  return missing_in(wanted, missing_in(wanted, present));
}

bool can_be_made(const NetworkLink& link) {
  constexpr std::array<std::string_view, 4> kKinds = {"bridge", "dummy", "ifb", "veth"};
  return std::ranges::find(kKinds, link.kind) != kKinds.end();
}

// The same number, if that is free: sockets of some kinds know links by it.
std::string with_index(const std::string& name, const NetworkLink& link, const NetworkSetup& now) {
  const bool taken = std::ranges::any_of(
      now.links, [&](const auto& entry) { return entry.second.index == link.index; });
  return name + (taken ? "" : " index " + std::to_string(link.index));
}

// Of two ends, the second is made with the first.
bool is_second_end(const std::string& name, const NetworkLink& link, const NetworkSetup& added) {
  return link.kind == "veth" && added.links.contains(link.peer) && link.peer < name;
}

Lines make_commands(const NetworkSetup& now, const NetworkSetup& added) {
  Lines fixed;
  Lines any;  // after those, or one of them might get the number of another
  for (const auto& [name, link] : added.links) {
    if (now.links.contains(name) || is_second_end(name, link, added)) continue;
    const std::string named = with_index(name, link, now);
    std::string make = "link add name " + named + " type " + link.kind;
    if (link.kind == "veth")
      make += " peer name " + with_index(link.peer, added.links.at(link.peer), now);
    (named == name ? any : fixed).push_back(make);
  }
  fixed.insert(fixed.end(), any.begin(), any.end());
  return fixed;
}

Lines link_commands(const NetworkSetup& now, const NetworkSetup& added) {
  Lines commands = make_commands(now, added);
  for (const auto& [name, link] : added.links) {
    std::string set = "link set dev " + name + " mtu " + std::to_string(link.mtu);
    if (!link.address.empty() && !link.kind.empty() && (!link.foreign || link.readdressed))
      set += " address " + link.address;
    if (!link.settings.empty()) set += " " + link.settings;
    commands.push_back(set);
    if (!link.master.empty()) commands.push_back("link set dev " + name + " master " + link.master);
  }
  for (const auto& [name, link] : added.links)
    commands.push_back("link set dev " + name + (link.up ? " up" : " down"));
  return commands;
}

Lines added_addresses(const NetworkSetup& now, const NetworkSetup& added) {
  Lines commands;
  for (const std::string& line : missing_in(added.addresses, now.addresses))
    commands.push_back("address replace " + line + (is_ipv6(line) ? " nodad" : ""));
  return commands;
}

constexpr const char* kPromote = "/proc/sys/net/ipv4/conf/all/promote_secondaries";

// Without the others of their subnets, which would go with them, and with their routes.
Result<void> remove_addresses(const NetworkNamespace& ns, Script& script, const Lines& addresses) {
  const std::string before = REPRISE_PASS(run_inside(ns, {"cat", kPromote}));
  const auto set = [&ns](const std::string& value) {
    return run_inside(ns, {"dd", "status=none", std::string("of=") + kPromote}, value);
  };
  REPRISE_PASS(set("1"));
  const Result<void> removed = script.run(nullptr, prefixed("address delete ", addresses));
  REPRISE_PASS(set(before));
  return removed;
}

// Routes that nobody removed may have gone with an address. What the addresses that are there now
// do not allow had gone in the container as well.
Result<void> renew_routes(const NetworkNamespace& ns, Script& script, const NetworkSetup& now,
                          const NetworkSetup& removed) {
  const NetworkSetup left = REPRISE_PASS(look_at_network(ns));
  const auto renew = [&](const char* family, const Lines& wanted, const Lines& there) {
    for (const std::string& route : missing_in(wanted, there)) [[maybe_unused]]
      const auto renewed = script.run(family, {"route replace " + route});
  };
  renew("-4", missing_in(now.routes4, removed.routes4), left.routes4);
  renew("-6", missing_in(now.routes6, removed.routes6), left.routes6);
  return {};
}

Result<void> apply_addresses(const NetworkNamespace& ns, Script& script, const NetworkSetup& now,
                             const NetworkChange& change) {
  REPRISE_PASS(script.run(nullptr, added_addresses(now, change.added)));
  const Lines removed = present_in(change.removed.addresses, now.addresses);
  if (removed.empty()) return {};
  REPRISE_PASS(remove_addresses(ns, script, removed));
  return renew_routes(ns, script, now, change.removed);
}

Result<void> apply_family(Script& script, const char* family, const Lines& added_rules,
                          const Lines& removed_rules, const Lines& added_routes,
                          const Lines& removed_routes) {
  REPRISE_PASS(script.run(family, prefixed("rule add ", added_rules)));
  // Some went with their address.
  for (const std::string& route : removed_routes) [[maybe_unused]]
    const auto gone = script.run(family, {"route delete " + route});
  REPRISE_PASS(script.run(family, prefixed("route replace ", added_routes)));
  return script.run(family, prefixed("rule delete ", removed_rules));
}

Result<void> apply_firewall(const NetworkNamespace& ns, const NetworkSetup& now,
                            const NetworkSetup& added) {
  std::string script;
  for (const auto& [name, text] : added.tables)
    if (!now.tables.contains(name)) script += text;
  if (!script.empty())
    REPRISE_TRY(run_inside(ns, {"nft", "-f", "-"}, script), "setting up the firewall");
  if (!added.iptables4.empty() && now.iptables4.empty())
    REPRISE_TRY(run_inside(ns, {"iptables-legacy-restore"}, added.iptables4),
                "setting up the firewall");
  if (!added.iptables6.empty() && now.iptables6.empty())
    REPRISE_TRY(run_inside(ns, {"ip6tables-legacy-restore"}, added.iptables6),
                "setting up the firewall");
  return {};
}

// Links of the names and addresses that the container has from outside.
Result<void> imitate(const NetworkNamespace& ns, const NetworkSetup& before) {
  Script script(ns);
  Lines commands = {"link set dev lo up"};
  int number = 1000;  // beyond those of any link of a container
  for (const auto& [name, link] : before.links) {
    if (name == "lo" || (link.kind != "veth" && !can_be_made(link))) continue;
    const std::string end = std::to_string(++number);
    commands.push_back("link add name " + name + " index " + std::to_string(link.index) +
                       " type veth peer name reprise" + end + " index " + end);
    commands.push_back("link set dev reprise" + end + " up");
    commands.push_back("link set dev " + name + " up");
  }
  REPRISE_PASS(script.run(nullptr, commands));
  const NetworkSetup now = REPRISE_PASS(look_at_network(ns));
  for (const std::string& line : missing_in(before.addresses, now.addresses))
    REPRISE_PASS(
        script.run(nullptr, {"address replace " + line + (is_ipv6(line) ? " nodad" : "")}));
  REPRISE_PASS(
      script.run("-4", prefixed("route replace ", missing_in(before.routes4, now.routes4))));
  return script.run("-6", prefixed("route replace ", missing_in(before.routes6, now.routes6)));
}

void compare_lines(const char* what, const Lines& wanted, const Lines& there, Lines& lost) {
  for (const std::string& line : missing_in(wanted, there))
    lost.push_back(std::string(what) + " '" + line + "'");
}

Lines compare(const NetworkSetup& wanted, const NetworkSetup& there) {
  Lines lost;
  compare_lines("the address", wanted.addresses, there.addresses, lost);
  compare_lines("the route", wanted.routes4, there.routes4, lost);
  compare_lines("the route", wanted.routes6, there.routes6, lost);
  compare_lines("the rule", wanted.rules4, there.rules4, lost);
  compare_lines("the rule", wanted.rules6, there.rules6, lost);
  compare_lines("the neighbour", wanted.neighbours, there.neighbours, lost);
  for (const auto& [name, link] : wanted.links) {
    const auto made = there.links.find(name);
    if (made == there.links.end() || (can_be_made(link) && made->second.details != link.details) ||
        made->second.settings != link.settings ||
        (link.readdressed && made->second.address != link.address))
      lost.push_back("settings of the link '" + name + "'");
  }
  for (const auto& [name, text] : wanted.tables)
    if (!there.tables.contains(name)) lost.push_back("the firewall table '" + name + "'");
  return lost;
}

Lines unknown_links(const NetworkSetup& before, const NetworkSetup& added) {
  Lines lost;
  for (const auto& [name, link] : added.links) {
    if (before.links.contains(name)) continue;
    const bool lone = link.kind == "veth" && !added.links.contains(link.peer);
    if (!can_be_made(link) || lone)
      lost.push_back("the link '" + name + "'" +
                     (link.kind.empty() ? "" : " of kind '" + link.kind + "'"));
  }
  return lost;
}

}  // namespace

Result<NetworkSetup> look_at_network(const NetworkNamespace& ns) {
  const Lines answers = split_answers(
      REPRISE_TRY(run_inside(ns, {"sh", "-c", kLook}), "looking at the container's network"));
  if (answers.size() != kAnswers)
    return fail(ErrorCode::kInternal, "the tools 'ip', 'nft' and 'tc' did not answer in full");
  NetworkSetup setup = REPRISE_PASS(read_answers(answers));
  setup.iptables4 = save_iptables(ns, "iptables-legacy-save", answers[kIptables4], setup.others);
  setup.iptables6 = save_iptables(ns, "ip6tables-legacy-save", answers[kIptables6], setup.others);
  return setup;
}

Result<Lines> uncarriable(const NetworkSetup& before, const NetworkChange& change) {
  Lines lost = change.added.others;
  std::ranges::move(unknown_links(before, change.added), std::back_inserter(lost));
  if (!lost.empty() || change.empty()) return lost;
  if (const auto readable = decode_change(encode_change(change)); !readable)
    return Lines{"something (" + readable.error().message() + ")"};
  REPRISE_PASS(sys::in_new_network([&]() -> Result<void> {
    const NetworkNamespace ns =
        "/proc/" + std::to_string(::getpid()) + "/task/" + std::to_string(::gettid()) + "/ns/net";
    REPRISE_TRY(imitate(ns, before), "trying out the network's setup");
    const auto applied = apply_change(ns, REPRISE_PASS(look_at_network(ns)), change);
    if (!applied)
      lost.push_back("something (" + applied.error().message() + ")");
    else
      lost = compare(change.added, REPRISE_PASS(look_at_network(ns)));
    return {};
  }));
  return lost;
}

Result<void> apply_change(const NetworkNamespace& ns, const NetworkSetup& now,
                          const NetworkChange& change) {
  const auto& [added, removed] = change;
  Script script(ns);
  REPRISE_PASS(script.run(nullptr, link_commands(now, added)));
  REPRISE_PASS(apply_addresses(ns, script, now, change));
  REPRISE_PASS(script.run(nullptr, prefixed("neighbour replace ", added.neighbours)));
  REPRISE_PASS(apply_family(
      script, "-4", missing_in(added.rules4, now.rules4), present_in(removed.rules4, now.rules4),
      missing_in(added.routes4, now.routes4), present_in(removed.routes4, now.routes4)));
  REPRISE_PASS(apply_family(
      script, "-6", missing_in(added.rules6, now.rules6), present_in(removed.rules6, now.rules6),
      missing_in(added.routes6, now.routes6), present_in(removed.routes6, now.routes6)));
  return apply_firewall(ns, now, added);
}

void revert_change(const NetworkNamespace& ns, const NetworkChange& change) {
  const auto now = look_at_network(ns);
  if (!now) return;
  Script script(ns);
  const auto try_all = [&](const char* family, const Lines& lines) {
    for (const std::string& line : lines) [[maybe_unused]]
      const auto done = script.run(family, {line});
  };
  const auto& [added, removed] = change;
  for (const auto& [name, text] : added.tables) {
    const std::size_t space = name.find(' ');
    [[maybe_unused]] const auto done =
        run_inside(ns, {"nft", "delete", "table", name.substr(0, space), name.substr(space + 1)});
  }
  try_all("-4", prefixed("route delete ", added.routes4));
  try_all("-6", prefixed("route delete ", added.routes6));
  try_all("-4", prefixed("rule delete ", added.rules4));
  try_all("-6", prefixed("rule delete ", added.rules6));
  try_all(nullptr, prefixed("address delete ", added.addresses));
  for (const auto& [name, link] : added.links)
    if (can_be_made(link) && !link.foreign) try_all(nullptr, {"link delete dev " + name});
  try_all(nullptr, prefixed("address replace ", removed.addresses));
  try_all("-4", prefixed("route replace ", removed.routes4));
  try_all("-6", prefixed("route replace ", removed.routes6));
  try_all("-4", prefixed("rule add ", removed.rules4));
  try_all("-6", prefixed("rule add ", removed.rules6));
}

}  // namespace reprise::network
