// SPDX-License-Identifier: Apache-2.0
//
// Libraries of ours that a dump needs in CRIU; they lie beside the worker.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace reprise::engine {

// Whether a process that descends from `init` has shared executable memory first, into which CRIU
// cannot put its instructions (engine/preload/detour.cc). `proc` is the procfs to read.
bool needs_detour(const std::filesystem::path& proc, pid_t init);

// For LD_PRELOAD: what CRIU needs on this host and for these processes.
std::string libraries_for_dump(const std::filesystem::path& worker, pid_t init);

}  // namespace reprise::engine
