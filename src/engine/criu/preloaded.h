// SPDX-License-Identifier: Apache-2.0
//
// Libraries of ours that a dump or restore needs in CRIU; they lie beside the worker.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::engine {

// Whether a process that descends from `init` has shared executable memory first, into which CRIU
// cannot put its instructions (engine/preload/detour.cc). `proc` is the procfs to read.
bool needs_detour(const std::filesystem::path& proc, pid_t init);

// Whether one of them lives in another network namespace than `init`.
bool has_nested_networks(const std::filesystem::path& proc, pid_t init);

// For LD_PRELOAD: what CRIU needs on this host and for these processes, or these images.
// kUnsupported, with a hint, if one is not there.
base::Result<std::string> libraries_for_dump(const std::filesystem::path& worker, pid_t init);
base::Result<std::string> libraries_for_restore(const std::filesystem::path& worker,
                                                const std::filesystem::path& images);

}  // namespace reprise::engine
