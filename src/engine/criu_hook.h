// SPDX-License-Identifier: Apache-2.0
//
// The hook between CRIU and a session. CRIU runs the script `criu-hook` at each of its steps; at
// post-dump, with all tasks stopped, the script becomes `reprise-worker post-dump`, which asks the
// session for a verdict. Its exit status decides: 0, and CRIU ends (or thaws) the tasks; anything
// else, and CRIU lets them run on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sys/message_socket.h"

namespace reprise::engine {

enum class Verdict : std::uint8_t { kProceed, kAbort };

// The hook's side: asks at `address` and blocks until there is a verdict. A session that dies while
// it is asked is asked again (its guard answers then); nobody there means kAbort.
Verdict ask_for_verdict(const std::filesystem::path& address);

// The session's side: takes one question from `listener` (blocks until there is one).
base::Result<sys::MessageSocket> accept_question(sys::MessageListener& listener);
base::Result<void> answer(sys::MessageSocket& question, Verdict verdict);

// Environment variables for runc, which CRIU and the script inherit.
struct HookEnvironment {
  std::filesystem::path socket;       // where to ask
  std::filesystem::path worker;       // reprise-worker
  std::filesystem::path freeze_file;  // the script notes when the tasks were stopped
};
std::vector<std::pair<std::string, std::string>> hook_variables(const HookEnvironment& environment);
// The script lies beside the worker.
std::filesystem::path hook_script(const std::filesystem::path& worker);

// How long ago the tasks were stopped, from the freeze file; nullopt if CRIU has not got there, or
// does not lock the network (host network), which is when the script notes it. Resolution 10 ms
// (/proc/uptime).
std::optional<std::chrono::milliseconds> frozen_for(const std::filesystem::path& freeze_file);

}  // namespace reprise::engine
