// SPDX-License-Identifier: Apache-2.0
#include "preflight/obstacles.h"

#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include "container/task_tree.h"
#include "oci/cri.h"
#include "preflight/descriptor_obstacles.h"
#include "preflight/descriptors/kinds.h"
#include "preflight/mappings.h"
#include "preflight/mount_obstacles.h"
#include "preflight/network_obstacles.h"
#include "preflight/shared_obstacles.h"
#include "preflight/task_obstacles.h"
#include "preflight/thread_obstacles.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

struct Process {
  pid_t pid = 0;
  path directory;         // of procfs
  const path& init;       // that of the container's init
  std::string described;  // "process 7 (python3)"
};

void judge_tracing(const Process& process, const path& proc, std::vector<Obstacle>& found) {
  for (const pid_t tid : container::threads_of(proc, process.pid)) {
    const auto status = sys::read_file(process.directory / "task" / std::to_string(tid) / "status");
    const std::string tracer = container::status_field(status.value_or(""), "TracerPid");
    if (tracer.empty() || tracer == "0") continue;
    found.push_back({process.described, "is traced by process " + tracer,
                     "end the debugger (or strace) with that pid"});
    return;  // a debugger has all threads
  }
}

// Restored, there would be no such file.
void judge_program(const Process& process, std::vector<Obstacle>& found) {
  const std::string program = sys::link_target(process.directory / "exe");
  if (!program.starts_with("/memfd:")) return;
  found.push_back({process.described, "is a program that was started from memory (memfd)",
                   "start it from a file"});
}

// criu/namespaces.c, generate_ns_id: of these the whole tree must share the one of init. Mount and
// network namespaces may be nested.
constexpr std::array<std::pair<const char*, std::string_view>, 6> kSharedNamespaces = {
    {{"user", "user"},
     {"pid", "PID"},
     {"ipc", "IPC"},
     {"uts", "UTS"},
     {"cgroup", "cgroup"},
     {"time", "time"}}};

void judge_namespaces(const Process& process, std::vector<Obstacle>& found) {
  if (process.directory == process.init) return;
  for (const auto& [file, name] : kSharedNamespaces) {
    const std::string own = sys::link_target(process.directory / "ns" / file);
    const std::string first = sys::link_target(process.init / "ns" / file);
    if (own.empty() || first.empty() || own == first) continue;
    found.push_back({process.described, "lives in a " + std::string(name) + " namespace of its own",
                     "switch the program's sandbox off (browsers: --no-sandbox)"});
    return;  // a sandbox has several; one is enough to say so
  }
}

// CRIU opens the sources of bind mounts as the container's root, which may not enter the
// directories of the host that lead there.
void judge_user_namespace(const path& proc, const path& init, std::vector<Obstacle>& found) {
  const std::string host = sys::link_target(proc / "self/ns/user");
  const std::string own = sys::link_target(init / "ns/user");
  if (host.empty() || own.empty() || host == own) return;
  found.push_back({"the container", "has a user namespace of its own, which cannot be restored",
                   "make it without --userns, --uidmap and --gidmap"});
}

// Queues without a descriptor live on in the container's IPC namespace. CRIU refuses a mount of
// them that is not empty (criu/filesystems.c, dump_empty_fs).
void judge_queues(const path& init, std::vector<Obstacle>& found) {
  const path directory = init / "root/dev/mqueue";
  struct statfs file_system{};
  if (::statfs(directory.c_str(), &file_system) != 0 || file_system.f_type != kMqueueMagic) return;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    found.push_back({"the container",
                     "has the POSIX message queue '/" + entry->path().filename().string() + "'",
                     "remove it: rm /dev/mqueue/" + entry->path().filename().string()});
}

// A file lease that the kernel is taking away, since somebody waits to open the file: the program
// was told by a signal, which would come a second time after a restore, or not at all. /proc/locks
// has "1: LEASE  BREAKING  READ  PID …".
void judge_leases(const path& proc, const std::vector<pid_t>& processes,
                  std::vector<Obstacle>& found) {
  std::istringstream lines(sys::read_file(proc / "locks").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, state, access;
    pid_t pid = 0;
    if (!(words >> number >> kind >> state >> access >> pid) || kind != "LEASE" ||
        state != "BREAKING" || std::ranges::find(processes, pid) == processes.end())
      continue;
    found.push_back(
        {container::describe_process(proc / std::to_string(pid)),
         "has a file lease that is being broken",
         "try again: the program gives it up, or the kernel takes it, within a minute"});
  }
}

// Where the kernel shows the cgroup by which processes are counted; empty if nowhere.
path pids_cgroup(const path& proc, pid_t init) {
  std::istringstream lines(sys::read_file(proc / std::to_string(init) / "cgroup").value_or(""));
  path found;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t names = line.find(':');
    const std::size_t place = line.find(':', names + 1);
    if (names == std::string::npos || place == std::string::npos) continue;
    const std::string controllers = "," + line.substr(names + 1, place - names - 1) + ",";
    if (controllers.contains(",pids,")) return "/sys/fs/cgroup/pids" + line.substr(place + 1);
    if (controllers == ",,") found = "/sys/fs/cgroup" + line.substr(place + 1);
  }
  return found;
}

// The limit is lifted for a restore (engine/criu/hook_pids.h), by a program for which there must be
// room.
void judge_pids_limit(const path& proc, pid_t init, std::vector<Obstacle>& found) {
  constexpr int kLeast = 3;
  const path cgroup = pids_cgroup(proc, init);
  if (cgroup.empty() || proc != "/proc") return;
  const int limit = std::atoi(sys::read_file(cgroup / "pids.max").value_or("").c_str());
  if (limit == 0 || limit >= kLeast) return;  // 0: "max", or not to be seen
  found.push_back(
      {"the container",
       "may have " + std::to_string(limit) + " processes, and a restore needs room for " +
           std::to_string(kLeast),
       "raise its limit: podman update --pids-limit " + std::to_string(kLeast) + " NAME"});
}

}  // namespace

Examination examine(const path& proc, pid_t init, const Given& given) {
  Examination result;
  const path first = proc / std::to_string(init);
  const std::vector<pid_t> processes = container::processes_of(proc, init);
  const MountNumbers mounts(proc, processes);
  for (const pid_t pid : processes) {
    const path directory = proc / std::to_string(pid);
    const Process process{.pid = pid,
                          .directory = directory,
                          .init = first,
                          .described = container::describe_process(directory)};
    ++result.processes;
    judge_tracing(process, proc, result.obstacles);
    judge_namespaces(process, result.obstacles);
    judge_descriptors(directory, mounts, result.obstacles);
    judge_program(process, result.obstacles);
    judge_mappings(directory, result.obstacles);
  }
  judge_user_namespace(proc, first, result.obstacles);
  std::ranges::move(examine_tasks(proc, init, processes), std::back_inserter(result.obstacles));
  std::ranges::move(examine_threads(proc, processes), std::back_inserter(result.obstacles));
  std::ranges::move(examine_descriptors(proc, init, processes),
                    std::back_inserter(result.obstacles));
  judge_leases(proc, processes, result.obstacles);
  judge_queues(first, result.obstacles);
  judge_pids_limit(proc, init, result.obstacles);
  if (given.spec != nullptr)
    std::ranges::move(examine_mounts(proc, init, *given.spec, given.bundle),
                      std::back_inserter(result.obstacles));
  std::ranges::move(examine_network(proc, init), std::back_inserter(result.obstacles));
  const std::string sandbox = given.spec == nullptr ? "" : oci::sandbox_id(given.spec->annotations);
  std::ranges::move(examine_sharing(proc, init, sandbox), std::back_inserter(result.obstacles));
  return result;
}

}  // namespace reprise::preflight
