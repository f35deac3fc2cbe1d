// SPDX-License-Identifier: Apache-2.0
//
// Children of a CRIU that was killed. While it learns what the kernel can it has some that stop
// themselves, for it to look at, and then kills them (4.2.1, criu/vdso.c). One that it did not come
// to kill stays, and so does runc, which waits for the end of a socket that the child has, too.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "sys/process.h"

namespace reprise::engine {

// For a dump.
class OrphanedHelpers {
 public:
  // `runc` is our child, and the parent of the CRIU that works in `work_dir`.
  OrphanedHelpers(std::filesystem::path work_dir, pid_t runc)
      : work_dir_(std::move(work_dir)), runc_(runc) {}

  // To be called now and then while runc may wait, by its parent, which takes no orphans. Ends
  // those that were stopped by a signal and whose parent is gone: never a CRIU that works, which
  // has runc as its parent, nor what it looks at. Looks no more often than once a second.
  void look();

 private:
  std::filesystem::path work_dir_;
  pid_t runc_;
  std::optional<std::chrono::steady_clock::time_point> looked_;
};

}  // namespace reprise::engine
