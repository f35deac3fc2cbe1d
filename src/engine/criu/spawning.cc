// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/spawning.h"

#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include "container/task_tree.h"
#include "engine/criu/traced.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::engine {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

#ifdef SYS_vfork
constexpr std::array<long, 3> kSpawns{SYS_vfork, SYS_clone, SYS_clone3};
#else
constexpr std::array<long, 2> kSpawns{SYS_clone, SYS_clone3};
#endif

// None of these blocks but for a child.
bool is_spawn(std::optional<long> system_call) {
  return system_call && std::ranges::find(kSpawns, *system_call) != kSpawns.end();
}

std::string status_of(const fs::path& task) { return sys::read_file(task / "status").value_or(""); }

bool is_spawning(const fs::path& task) {
  return container::status_field(status_of(task), "State").starts_with('D') &&
         is_spawn(system_call_of(task));
}

fs::path task_directory(pid_t thread) { return fs::path("/proc") / std::to_string(thread); }

// By the signal of its time limit (criu/cr-dump.c), which interrupts the system call that it is in.
bool have_criu_give_up(pid_t thread) {
  const pid_t tracer = tracer_of(task_directory(thread));
  if (tracer == 0) return false;
  const auto pidfd = sys::open_pidfd(tracer);
  // Asked again with the pidfd open: the pid may have been given to another.
  if (!pidfd || tracer_of(task_directory(thread)) != tracer) return false;
  const auto name = sys::read_file(task_directory(tracer) / "comm");
  return name && name->starts_with("criu") && sys::send_signal(*pidfd, SIGALRM);
}

}  // namespace

std::set<pid_t> spawning_threads(const fs::path& proc, pid_t init) {
  std::set<pid_t> found;
  for (const pid_t process : container::processes_of(proc, init))
    for (const pid_t thread : container::threads_of(proc, process))
      if (is_spawning(proc / std::to_string(process) / "task" / std::to_string(thread)))
        found.insert(thread);
  return found;
}

void await_spawns(pid_t init, milliseconds patience) {
  constexpr milliseconds kPoll{1};
  const auto deadline = steady_clock::now() + patience;
  while (!spawning_threads("/proc", init).empty() && steady_clock::now() < deadline)
    std::this_thread::sleep_for(kPoll);
}

bool StuckSpawns::look() {
  if (told_) return false;
  std::set<pid_t> traced;
  for (const pid_t thread : spawning_threads("/proc", init_))
    if (tracer_of(task_directory(thread)) != 0) traced.insert(thread);
  for (const pid_t thread : traced)
    if (traced_.contains(thread) && have_criu_give_up(thread)) return told_ = true;
  traced_ = std::move(traced);
  return false;
}

}  // namespace reprise::engine
