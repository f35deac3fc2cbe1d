// SPDX-License-Identifier: Apache-2.0
//
// The processes of runc, CRIU and CRIU's script that work for one session, whoever their parent is
// by now. All of them carry CRIU_CONFIG_FILE=WORK_DIR/criu.conf in their environment, until CRIU
// (4.2, by setproctitle(3)) writes its title over that; it works in WORK_DIR.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "sys/process.h"

namespace reprise::engine {

// The file that names a session's processes, as `work_dir` is that session's.
std::filesystem::path criu_config_file(const std::filesystem::path& work_dir);

bool is_tool(pid_t pid, const std::filesystem::path& work_dir);
std::vector<sys::ProcessRef> tool_processes(const std::filesystem::path& work_dir);

// What CRIU itself does.
EngineState criu_state(const std::filesystem::path& work_dir);

// Continues those that are stopped.
void wake_tools(const std::filesystem::path& work_dir);

struct ToolsEnd {
  std::filesystem::path work_dir;
  sys::MessageListener* hook_listener = nullptr;  // where CRIU's script asks; may be null
  Verdict verdict = Verdict::kAbort;              // what it is told
  std::chrono::milliseconds patience{0};          // until they are killed
};

// Blocks until none of them is left. Those that were stopped are continued, so that CRIU can let
// the tasks go in an orderly way; when `patience` runs out they are killed: the kernel then lets go
// of the tasks that CRIU held, and its parasite code inside them goes back by itself when its
// socket closes. What CRIU had mounted below `work_dir` is unmounted. kBusy if one does not end
// even then (it sits in the kernel); it ends once it comes out.
base::Result<void> end_tools(const ToolsEnd& end);

}  // namespace reprise::engine
