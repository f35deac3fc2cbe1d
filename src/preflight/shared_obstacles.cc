// SPDX-License-Identifier: Apache-2.0
#include "preflight/shared_obstacles.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <system_error>

#include "container/task_tree.h"
#include "sys/child.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

constexpr std::string_view kDeleted = " (deleted)";

// The cgroup by which it is frozen, which is the container's own: that of cgroup v1's freezer, also
// where both versions are mounted, else that of v2. Empty if the process has ended.
std::string cgroup_of(const path& process) {
  std::istringstream lines(sys::read_file(process / "cgroup").value_or(""));
  std::string v2;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t names = line.find(':');
    const std::size_t place = line.find(':', names + 1);
    if (names == std::string::npos || place == std::string::npos) continue;
    const std::string controllers = "," + line.substr(names + 1, place - names - 1) + ",";
    if (controllers.contains(",freezer,")) return line.substr(place + 1);
    if (controllers == ",,") v2 = line.substr(place + 1);
  }
  return v2;
}

// systemd calls its cgroup "cri-containerd-ID.scope".
bool is_sandbox(const path& process, const std::string& sandbox) {
  return !sandbox.empty() && path(cgroup_of(process)).filename().string().contains(sandbox);
}

bool lies_in(const std::string& cgroup, const std::string& other) {
  return cgroup == other || cgroup.starts_with(other + "/");
}

// Whether a process is one of the container of `init`: a program that has made a mount namespace
// for itself still is.
class Membership {
 public:
  Membership(const path& proc, pid_t init)
      : proc_(proc),
        mounts_(sys::link_target(proc / std::to_string(init) / "ns/mnt")),
        cgroup_(cgroup_of(proc / std::to_string(init))),
        tree_(container::processes_of(proc, init)) {
    if (cgroup_ == "/") cgroup_.clear();  // no limit to anything
    std::ranges::sort(tree_);
  }
  [[nodiscard]] bool has(pid_t pid) const {
    if (std::ranges::binary_search(tree_, pid)) return true;
    const path process = proc_ / std::to_string(pid);
    // One that has gone shares nothing.
    const std::string mounts = sys::link_target(process / "ns/mnt");
    if (mounts.empty() || mounts == mounts_) return true;
    return !cgroup_.empty() && lies_in(cgroup_of(process), cgroup_);
  }

 private:
  const path& proc_;
  std::string mounts_;
  std::string cgroup_;
  std::vector<pid_t> tree_;
};

// Files without a name that a process has open or mapped for sharing: "DEVICE INODE" to what they
// were called.
using Files = std::map<std::string, std::string>;

std::string identity(unsigned major, unsigned minor, unsigned long inode) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x %lu", major, minor, inode);
  return text.data();
}

void add_mapped(const path& process, Files& files) {
  std::istringstream maps(sys::read_file(process / "maps").value_or(""));
  for (std::string line; std::getline(maps, line);) {
    if (!line.ends_with(kDeleted)) continue;
    std::istringstream fields(line);
    std::string range, permissions, offset, device, inode, name;
    fields >> range >> permissions >> offset >> device >> inode >> std::ws;
    std::getline(fields, name);
    if (permissions.ends_with('s'))
      files.emplace(device + " " + inode, name.substr(0, name.size() - kDeleted.size()));
  }
}

void add_open(const path& process, Files& files) {
  for (const auto& [number, target] : sys::open_files_of(process)) {
    const path fd = process / "fd" / std::to_string(number);
    struct stat status{};
    if (!target.ends_with(kDeleted) || ::stat(fd.c_str(), &status) != 0) continue;
    files.emplace(identity(::major(status.st_dev), ::minor(status.st_dev), status.st_ino),
                  target.substr(0, target.size() - kDeleted.size()));
  }
}

Files nameless_files(const path& proc, const std::vector<pid_t>& processes) {
  Files files;
  for (const pid_t pid : processes) {
    add_mapped(proc / std::to_string(pid), files);
    add_open(proc / std::to_string(pid), files);
  }
  return files;
}

void judge_files(const path& proc, pid_t init, const std::vector<pid_t>& others,
                 std::vector<Obstacle>& found) {
  const Files ours = nameless_files(proc, container::processes_of(proc, init));
  if (ours.empty()) return;
  const Files theirs = nameless_files(proc, others);
  for (const auto& [file, name] : ours)
    if (theirs.contains(file))
      found.push_back({"the container",
                       "shares the deleted file '" + name + "' with another container",
                       "have the programs keep the file's name as long as they use it"});
}

// CRIU 4.2 saves all objects of the namespace with each container, and a restore into a namespace
// that has one of them already fails (criu/ipc_ns.c, File exists).
void judge_system_v(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  constexpr std::chrono::seconds kLimit{10};
  const path ipc = proc / std::to_string(init) / "ns/ipc";
  const auto listed = sys::run_ok({"nsenter", "--ipc=" + ipc.string(), "--", "cat",
                                   "/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg"},
                                  kLimit);
  if (!listed) return;
  // Each of the three begins with a line of titles.
  constexpr std::ptrdiff_t kTitles = 3;
  const std::ptrdiff_t objects = std::ranges::count(*listed, '\n') - kTitles;
  if (objects > 0)
    found.push_back({"the container",
                     "shares an IPC namespace that has " + std::to_string(objects) +
                         " System V objects with other containers",
                     "use POSIX shared memory (/dev/shm), or give the container an IPC namespace "
                     "of its own (podman pod create --share net,uts; in Kubernetes, a pod)"});
}

}  // namespace

std::vector<pid_t> others_sharing(const path& proc, pid_t init, const std::string& sandbox) {
  const std::string ipc = sys::link_target(proc / std::to_string(init) / "ns/ipc");
  std::vector<pid_t> others;
  // That of the host is nobody's to save, and CRIU leaves it alone.
  if (ipc.empty() || ipc == sys::link_target(proc / "self/ns/ipc")) return others;
  const Membership container(proc, init);
  for (const pid_t pid : sys::processes_in(proc))
    if (sys::link_target(proc / std::to_string(pid) / "ns/ipc") == ipc && !container.has(pid) &&
        !is_sandbox(proc / std::to_string(pid), sandbox))
      others.push_back(pid);
  return others;
}

std::vector<Obstacle> examine_sharing(const path& proc, pid_t init, const std::string& sandbox) {
  std::vector<Obstacle> found;
  const std::vector<pid_t> others = others_sharing(proc, init, sandbox);
  if (others.empty()) return found;
  judge_files(proc, init, others, found);
  judge_system_v(proc, init, found);
  return found;
}

}  // namespace reprise::preflight
