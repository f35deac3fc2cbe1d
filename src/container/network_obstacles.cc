// SPDX-License-Identifier: Apache-2.0
#include "container/network_obstacles.h"

#include <string>

#include "container/connection_hold.h"
#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::container {
namespace {

using std::filesystem::path;

std::string describe(const path& process) {
  auto name = sys::read_file(process / "comm").value_or("");
  while (name.ends_with('\n')) name.pop_back();
  return "process " + process.filename().string() + (name.empty() ? "" : " (" + name + ")");
}

// CRIU saves nested ones only together with the outermost, which runc has it leave out.
void judge_nested(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  const std::string first = sys::link_target(proc / std::to_string(init) / "ns/net");
  if (first.empty()) return;
  for (const pid_t pid : processes_of(proc, init)) {
    const path process = proc / std::to_string(pid);
    const std::string own = sys::link_target(process / "ns/net");
    if (own.empty() || own == first) continue;
    found.push_back({describe(process), "lives in a network namespace of its own",
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
  const auto connections = list_connections(ns);
  if (!connections) return;
  std::set<std::uint64_t> own;
  for (const Connection& connection : *connections) {
    if (!is_link_local(connection.local)) continue;
    if (own.empty()) own = sockets_of(proc, init);
    if (!own.contains(connection.inode)) continue;
    found.push_back({"the container",
                     "has a TCP connection from the link-local address '" + connection.local +
                         "' to '" + connection.peer + "'",
                     "use another address for it, or have the program close it before the "
                     "checkpoint"});
    return;
  }
}

}  // namespace

std::vector<Obstacle> examine_network(const path& proc, pid_t init) {
  std::vector<Obstacle> found;
  judge_nested(proc, init, found);
  judge_link_local(proc, init, found);
  return found;
}

}  // namespace reprise::container
