// SPDX-License-Identifier: Apache-2.0
//
// What a forked child does before it becomes another program. Runs where nothing may allocate.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace reprise::sys {

// Everything the child needs, prepared before the fork.
struct PostForkPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  bool null_stdio = false;
  bool new_session = false;
  bool own_mounts = false;
  int report_fd = -1;  // close-on-exec; gets a PostForkFailure if a stage fails
  std::array<std::pair<int, int>, 8> fds{};
  std::size_t fd_count = 0;
};

struct PostForkFailure {
  enum class Stage : int { kMounts, kStdio, kDescriptors, kExec };
  Stage stage;
  int error_number;
  [[nodiscard]] const char* stage_name() const {
    constexpr const char* kNames[] = {"taking a mount namespace of its own", "opening '/dev/null'",
                                      "passing descriptors", "executing"};
    return kNames[static_cast<int>(stage)];
  }
};

// Uses only async-signal-safe functions: the parent may have threads.
[[noreturn]] void run_post_fork_plan(const PostForkPlan& plan) noexcept;

}  // namespace reprise::sys
