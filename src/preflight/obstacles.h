// SPDX-License-Identifier: Apache-2.0
//
// What keeps a container from being checkpointed, found in /proc before anything is touched: all
// that CRIU 4.2 would refuse in the middle of a dump, with the tasks frozen.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "oci/spec.h"

namespace reprise::preflight {

struct Obstacle {
  std::string subject;  // "process 12 (worker), descriptor 7"
  std::string text;     // "is an io_uring"
  std::string remedy;
};

struct Examination {
  std::vector<Obstacle> obstacles;  // by process, then descriptor
  std::size_t processes = 0;        // that were examined
};

// The container's specification and directory, where they are known: then its mounts are examined
// as well.
struct Given {
  const oci::Spec* spec = nullptr;
  std::filesystem::path bundle;
};

// Examines `init` and all its descendants, which is what CRIU dumps. `proc` is the procfs to read.
// One pass, a few system calls per process and descriptor; changes nothing. Threads that may be in
// a sandbox are stopped for a moment (preflight/landlock.h). What ends meanwhile, or cannot be
// read, is no obstacle: in doubt CRIU has the last word, except on what it does not know of.
Examination examine(const std::filesystem::path& proc, pid_t init, const Given& given = {});

}  // namespace reprise::preflight
