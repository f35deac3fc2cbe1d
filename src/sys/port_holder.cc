// SPDX-License-Identifier: Apache-2.0
#include "sys/port_holder.h"

#include <sys/stat.h>

#include <array>
#include <set>
#include <sstream>
#include <vector>

#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::sys {

namespace {

namespace fs = std::filesystem;

std::vector<pid_t> processes_of(const fs::path& network) {
  struct stat wanted{};
  if (::stat(network.c_str(), &wanted) != 0) return {};
  std::vector<pid_t> found;
  for (const pid_t pid : processes_in("/proc")) {
    struct stat own{};
    const fs::path file = fs::path("/proc") / std::to_string(pid) / "ns/net";
    if (::stat(file.c_str(), &own) == 0 && own.st_ino == wanted.st_ino &&
        own.st_dev == wanted.st_dev)
      found.push_back(pid);
  }
  return found;
}

// "socket:[INODE]" of those that are bound to it. A line of /proc/net/tcp: "  0: 0100007F:8C6B
// 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 …"; what waits after
// its end (TIME-WAIT) has no inode.
void add_sockets(const std::string& table, std::uint16_t port, std::set<std::string>& sockets) {
  constexpr int kHexadecimal = 16;
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);  // the head
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 10> word;
    for (std::string& one : word) words >> one;
    const std::string& local = word[1];
    const std::size_t colon = local.rfind(':');
    if (!words || colon == std::string::npos || word[9] == "0") continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, kHexadecimal) == port)
      sockets.insert("socket:[" + word[9] + "]");
  }
}

}  // namespace

std::optional<PortHolder> find_port_holder(const fs::path& network, Transport transport,
                                           std::uint16_t port) {
  const std::vector<pid_t> processes = processes_of(network);
  if (processes.empty()) return std::nullopt;
  const fs::path tables = fs::path("/proc") / std::to_string(processes.front()) / "net";
  std::set<std::string> sockets;
  for (const char* table :
       transport == Transport::kTcp ? std::array{"tcp", "tcp6"} : std::array{"udp", "udp6"})
    add_sockets(read_file(tables / table).value_or(""), port, sockets);
  for (const pid_t pid : processes) {
    const fs::path process = fs::path("/proc") / std::to_string(pid);
    for (const OpenFile& file : open_files_of(process)) {
      if (!sockets.contains(file.target)) continue;
      std::string name = read_file(process / "comm").value_or("");
      if (name.ends_with('\n')) name.pop_back();
      return PortHolder{.pid = pid, .name = std::move(name)};
    }
  }
  return std::nullopt;
}

}  // namespace reprise::sys
