// SPDX-License-Identifier: Apache-2.0
//
// The hook between CRIU and a session. CRIU runs the program `criu-hook` at each of its steps; at
// those of enum HookStep it asks the session, and its exit status is the session's verdict.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "sys/message_socket.h"

namespace reprise::engine {

enum class HookStep : std::uint8_t {
  kNetworkLock,      // all tasks are stopped, and nothing is written yet. kAbort: as kPostDump
  kPostDump,         // all tasks are stopped and written. kAbort: they run on, and the dump fails
  kSetupNamespaces,  // the namespaces of a restore exist, and no socket yet. kAbort: it fails
  kPostRestore,  // all tasks are made, and wait; the network is not yet theirs. kAbort: they are
                 // killed, and the restore fails
  kPreResume,    // sockets are live, tasks are about to be let go, if give_leave() was called. A
                 // verdict changes nothing
};

// A step of CRIU's that waits for an answer. Dropped without one it counts as kAbort if nobody
// takes the question when it is asked once more.
struct HookQuestion {
  HookStep step = HookStep::kPostDump;
  pid_t init = 0;  // first task of the container; 0 where CRIU does not tell
  sys::MessageSocket socket;
};

// Takes one question from `listener` (blocks until there is one). kInvalidInput for a message that
// is none.
base::Result<HookQuestion> accept_question(sys::MessageListener& listener);
base::Result<void> answer(HookQuestion& question, Verdict verdict);

// Environment variables for runc, which CRIU and the program inherit.
struct HookEnvironment {
  std::filesystem::path socket;       // where to ask
  std::filesystem::path freeze_file;  // the program notes when the tasks were stopped; may be empty
  bool ask_when_frozen = false;       // on a dump, at kNetworkLock
  bool set_loopback_up = false;       // on a restore, in the container's network namespace
  std::filesystem::path leave_file;   // on a restore
  std::filesystem::path pids_note{};  // on a restore: the limit of processes is lifted meanwhile,
                                      // and noted here (put_pids_limit_back)
};
std::vector<std::pair<std::string, std::string>> hook_variables(const HookEnvironment& environment);
// For when CRIU did not come so far: the program itself has put the limit back before any task
// runs. A note that is not there, or whose cgroup has gone, is success.
base::Result<void> put_pids_limit_back(const std::filesystem::path& note);
// The program lies beside the worker.
std::filesystem::path hook_program(const std::filesystem::path& worker);

// Where a restore with this `work_dir` has its leave, without which CRIU ends itself and, with it,
// the tasks that it would let go.
std::filesystem::path leave_file(const std::filesystem::path& work_dir);
base::Result<void> give_leave(const std::filesystem::path& work_dir);

// Where a dump with this `work_dir` has its freeze file.
std::filesystem::path freeze_file(const std::filesystem::path& work_dir);
// How long ago the tasks were stopped, from the freeze file; nullopt if CRIU has not got there, or
// does not lock the network (host network), which is when the program notes it.
std::optional<std::chrono::milliseconds> frozen_for(const std::filesystem::path& file);

}  // namespace reprise::engine
