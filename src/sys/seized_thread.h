// SPDX-License-Identifier: Apache-2.0
//
// A thread of another process that is stopped for a moment, and makes system calls for us.
//
// For what the kernel tells a task only about itself. The thread goes on exactly where it was: its
// registers and signal mask are put back, an interrupted system call is restarted (or ends with
// EINTR where the kernel always does so, as after SIGSTOP and SIGCONT), seccomp is suspended. A
// restartable sequence is begun anew, as after every interruption.
//
// All calls for one object are made by the thread that made it.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "base/result.h"

namespace reprise::sys {

class SeizedThread {
 public:
  using Arguments = std::array<std::uint64_t, 6>;

  // Waits until the thread has stopped; kBusy if it has not after `patience` (it waits in the
  // kernel, or its cgroup is frozen). kGone if it has ended, kDenied if it is traced already,
  // kUnsupported on machines other than x86-64 and for programs of 32 bit.
  static base::Result<SeizedThread> seize(pid_t tid, std::chrono::milliseconds patience);

  // What the system call returned: -errno if it failed. kGone if the thread was killed meanwhile.
  base::Result<long> call(long number, const Arguments& arguments);

  // Room of this size in the thread's own stack, which is put back as it was: for arguments that
  // are pointers.
  static constexpr std::size_t kScratchSize = 256;
  // The address, with `bytes` (at most kScratchSize, a multiple of 8) written to it.
  base::Result<std::uint64_t> place(const void* bytes, std::size_t size);
  // What lies there now.
  base::Result<void> fetch(void* bytes, std::size_t size);

  SeizedThread(SeizedThread&& other) noexcept;
  SeizedThread& operator=(SeizedThread&&) = delete;
  SeizedThread(const SeizedThread&) = delete;
  SeizedThread& operator=(const SeizedThread&) = delete;
  ~SeizedThread();

 private:
  explicit SeizedThread(pid_t tid) : tid_(tid) {}
  base::Result<void> save();
  base::Result<void> find_instruction();
  base::Result<void> leave_critical_section();
  base::Result<void> step();

  pid_t tid_;  // 0: moved from, or gone
  user_regs_struct saved_{};
  std::uint64_t signals_ = 0;
  std::uint64_t instruction_ = 0;  // where the thread has a system call instruction
  std::array<std::uint64_t, kScratchSize / 8> stack_{};
  bool stack_used_ = false;
  bool saved_all_ = false;
};

}  // namespace reprise::sys
