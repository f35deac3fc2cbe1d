// SPDX-License-Identifier: Apache-2.0
//
// Programs that are being started while their container is dumped: vfork(2), and posix_spawn(3) and
// all else that is made of it. The parent waits in the kernel until its child has called execve(2),
// and takes no signal but SIGKILL meanwhile. CRIU (4.2.1, criu/seize.c) stops all tasks of a cgroup
// before it waits for any of them: a child that is stopped before its execve(2) keeps its parent
// from stopping, and CRIU waits until its time limit of 10 s, then fails.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <set>

namespace reprise::engine {

// The threads of `init` and its descendants that wait so; of what ends meanwhile, none.
std::set<pid_t> spawning_threads(const std::filesystem::path& proc, pid_t init);

// Blocks until there are none, `patience` at most.
void await_spawns(pid_t init, std::chrono::milliseconds patience);

// For a dump until all tasks stand still: sees that CRIU waits for such a thread, and has it fail
// at once. It cures and releases the tasks then, as at the end of its time limit.
class StuckSpawns {
 public:
  // Between two looks CRIU does what lies between stopping and thawing the tasks.
  static constexpr std::chrono::milliseconds kInterval{40};

  explicit StuckSpawns(pid_t init) : init_(init) {}

  // To be called every kInterval. Whether CRIU was told to give up; once.
  bool look();

 private:
  pid_t init_;
  std::set<pid_t> traced_;  // that waited, and were traced, at the last look
  bool told_ = false;
};

}  // namespace reprise::engine
