// SPDX-License-Identifier: Apache-2.0
//
// Who traces a thread, and what a thread waits in.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace reprise::engine {

// 0 if nobody traces it, or it is gone. `thread`: /proc/PID or /proc/PID/task/TID.
pid_t tracer_of(const std::filesystem::path& thread);

// The number of the system call in which it is blocked; nullopt if it is in none.
std::optional<long> system_call_of(const std::filesystem::path& thread);

}  // namespace reprise::engine
