// SPDX-License-Identifier: Apache-2.0
#include "preflight/network_obstacles.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "attributes/unix_peers.h"
#include "container/task_tree.h"
#include "network/connection_hold.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

// Podman's are, as files; others are runc's, and go with the container.
bool is_kept_by_a_mount(const std::string& ns) {
  const auto text = sys::read_file("/proc/self/mountinfo");
  return text && std::ranges::any_of(sys::parse_mountinfo(*text),
                                     [&](const sys::Mount& mount) { return mount.root == ns; });
}

// CRIU saves nested ones only together with the outermost, unless that is not the container's own,
// but Podman's; runc has it leave out what is in any (engine/preload/networks.cc).
void judge_nested(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  const std::string first = sys::link_target(proc / std::to_string(init) / "ns/net");
  if (first.empty() || is_kept_by_a_mount(first)) return;
  for (const pid_t pid : container::processes_of(proc, init)) {
    const path process = proc / std::to_string(pid);
    const std::string own = sys::link_target(process / "ns/net");
    if (own.empty() || own == first) continue;
    found.push_back({container::describe_process(process),
                     "lives in a network namespace of its own",
                     "have the program share the container's network (its sandbox or its 'ip "
                     "netns' makes another)"});
    return;  // one is enough to say so
  }
}

bool is_link_local(const std::string& address) {
  return address.starts_with("fe8") || address.starts_with("fe9") || address.starts_with("fea") ||
         address.starts_with("feb");
}

// CRIU 4.2 binds such a socket anew without saying on which link (soccr.c), which the kernel
// refuses.
void judge_link_local(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  const path ns = proc / std::to_string(init) / "ns/net";
  if (sys::link_target(ns).empty()) return;
  const auto connections = network::list_connections(ns);
  if (!connections) return;
  std::set<std::uint64_t> own;
  for (const network::Connection& connection : *connections) {
    if (!is_link_local(connection.local)) continue;
    if (own.empty()) own = network::sockets_of(proc, init);
    if (!own.contains(connection.inode)) continue;
    found.push_back({"the container",
                     "has a TCP connection from the link-local address '" + connection.local +
                         "' to '" + connection.peer + "'",
                     "use another address for it, or have the program close it before the "
                     "checkpoint"});
    return;
  }
}

Obstacle describe_peer(const path& proc, const attributes::OutsidePeer& peer) {
  const std::string who = container::describe_process(proc / std::to_string(peer.peer_pid));
  std::string text = "is connected by a UNIX socket to " + who;
  text += peer.executed ? ", which was started by 'podman exec'" : " outside of the container";
  const std::string& place = peer.path.empty() ? peer.name : peer.path;
  if (!peer.executed && place.starts_with('/')) text += ", at '" + place + "'";
  return {container::describe_process(proc / std::to_string(peer.pid)) + ", descriptor " +
              std::to_string(peer.descriptor),
          std::move(text),
          peer.executed ? "end that program first"
                        : "have the program close the connection before the checkpoint, or reach "
                          "the service by TCP"};
}

enum class Whose : std::uint8_t { kServices, kExecuted };

std::vector<Obstacle> judge_peers(const path& proc, pid_t init, Whose whose) {
  const bool executed = whose == Whose::kExecuted;
  std::vector<Obstacle> found;
  if (sys::link_target(proc / std::to_string(init) / "ns/net").empty()) return found;
  const auto peers = attributes::outside_peers(proc, init);
  if (!peers) return found;
  for (const attributes::OutsidePeer& peer : *peers)
    if (peer.executed == executed && (executed || !attributes::can_be_reconnected(peer)))
      found.push_back(describe_peer(proc, peer));
  return found;
}

}  // namespace

std::vector<Obstacle> examine_executed(const path& proc, pid_t init) {
  return judge_peers(proc, init, Whose::kExecuted);
}

std::vector<Obstacle> examine_network(const path& proc, pid_t init) {
  std::vector<Obstacle> found;
  judge_nested(proc, init, found);
  judge_link_local(proc, init, found);
  std::ranges::move(judge_peers(proc, init, Whose::kServices), std::back_inserter(found));
  return found;
}

}  // namespace reprise::preflight
