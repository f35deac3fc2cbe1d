// SPDX-License-Identifier: Apache-2.0
#include "preflight/task_obstacles.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/xattr.h>

#include <array>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "container/inotify_watches.h"
#include "container/task_tree.h"
#include "preflight/landlock.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"
#include "sys/seized_thread.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

void judge_confinement(const path& proc, pid_t init, const std::vector<pid_t>& processes,
                       std::vector<Obstacle>& found) {
  for (const Confined& one : find_landlocked(proc, init, processes)) {
    const std::string subject = container::describe_process(proc / std::to_string(one.process));
    if (one.doubt.empty())
      found.push_back({subject, "is in a Landlock sandbox, and would come back without it",
                       "switch the program's sandbox off, or do without checkpoints of it"});
    else
      found.push_back({subject, "may be in a Landlock sandbox: " + one.doubt,
                       "try again; if it stays so, run it without \"no new privileges\""});
  }
}

// criu/cr-restore.c, validate_sched_parm: refused by the restore only.
void judge_scheduling(const path& proc, pid_t process, std::vector<Obstacle>& found) {
  constexpr int kDeadline = 6;
  constexpr int kExtensible = 7;
  for (const pid_t thread : container::threads_of(proc, process)) {
    const int policy = ::sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK;
    if (policy != kDeadline && policy != kExtensible) continue;
    found.push_back(
        {container::describe_process(proc / std::to_string(process)),
         std::string("is scheduled by ") +
             (policy == kDeadline ? "deadlines (SCHED_DEADLINE)" : "a BPF program (SCHED_EXT)"),
         "have it scheduled in another way: chrt --other -p 0 PID"});
    return;
  }
}

// A connection whose records the kernel encrypts looks like any other, and its keys are nowhere.
void judge_connections(const path& proc, pid_t process, std::set<std::string>& seen,
                       std::vector<Obstacle>& found) {
  const path directory = proc / std::to_string(process);
  for (const sys::OpenFile& file : sys::open_files_of(directory)) {
    if (!file.target.starts_with("socket:[")) continue;
    std::array<char, 16> name{};
    const path descriptor = directory / "fd" / std::to_string(file.number);
    if (::getxattr(descriptor.c_str(), "system.sockprotoname", name.data(), name.size() - 1) <= 0 ||
        !std::string_view(name.data()).starts_with("TCP") || !seen.insert(file.target).second)
      continue;
    const auto copy = sys::copy_descriptor(process, file.number);
    std::array<char, 16> layer{};
    socklen_t size = layer.size() - 1;
    constexpr int kUpperLayer = 31;  // TCP_ULP
    if (!copy || ::getsockopt(copy->get(), IPPROTO_TCP, kUpperLayer, layer.data(), &size) != 0 ||
        size == 0)
      continue;
    found.push_back(
        {container::describe_process(directory) + ", descriptor " + std::to_string(file.number),
         "is a connection of which the kernel does a part ('" + std::string(layer.data()) + "')",
         "switch it off in the program (OpenSSL: without SSL_OP_ENABLE_KTLS)"});
  }
}

// Segments of a process's own (modify_ldt), without which it crashes. Only itself can tell.
bool has_segments(pid_t process) {
  constexpr std::chrono::milliseconds kPatience{100};
  constexpr std::uint64_t kRead = 0;
  const std::uint64_t nothing = 0;
  auto thread = sys::SeizedThread::seize(process, kPatience);
  if (!thread) return false;
  const auto room = thread->place(&nothing, sizeof(nothing));
  if (!room) return false;
  const auto size = thread->call(SYS_modify_ldt, {kRead, *room, sizeof(nothing)});
  return size && *size > 0;
}

void judge_segments(const path& proc, const std::vector<pid_t>& processes,
                    std::vector<Obstacle>& found) {
  // In a thread of its own: when that ends, the kernel lets go of a thread that did not stop.
  std::thread([&] {
    for (const pid_t process : processes) {
      const path directory = proc / std::to_string(process);
      const auto status = sys::read_file(directory / "status");
      if (!status || container::status_field(*status, "TracerPid") != "0" ||
          container::status_field(*status, "State").starts_with('Z') || !has_segments(process))
        continue;
      found.push_back(
          {container::describe_process(directory), "has memory segments of its own (modify_ldt)",
           "run it where it needs none: as a 64 bit program, outside of Wine or DOSEMU"});
    }
  }).join();
}

void judge_watches(const path& proc, pid_t init, const std::vector<pid_t>& processes,
                   std::vector<Obstacle>& found) {
  for (const container::DeletedWatch& watch :
       container::deleted_watches(proc, processes, container::watches_of(proc, init)))
    found.push_back({container::describe_process(proc / std::to_string(watch.process)),
                     "has the file '" + watch.file + "' open, which is being watched (inotify)",
                     "close the file, or remove the watch"});
}

}  // namespace

std::vector<Obstacle> examine_tasks(const path& proc, pid_t init,
                                    const std::vector<pid_t>& processes) {
  std::vector<Obstacle> found;
  if (proc != "/proc") return found;
  judge_watches(proc, init, processes, found);
  judge_confinement(proc, init, processes, found);
  judge_segments(proc, processes, found);
  std::set<std::string> seen;
  for (const pid_t process : processes) {
    judge_scheduling(proc, process, found);
    judge_connections(proc, process, seen, found);
  }
  return found;
}

}  // namespace reprise::preflight
