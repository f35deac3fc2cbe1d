// SPDX-License-Identifier: Apache-2.0
//
// An exclusive lock on a file, held as long as the object (or a process that inherited it) lives.
#pragma once

#include <chrono>

#include "sys/files.h"

namespace reprise::sys {

// flock(2): the lock belongs to the open file description, so a child that inherits the
// descriptor shares it, and it ends when the last of them has closed it or died. That makes it the
// right thing to hand from the runtime wrapper to a worker without a gap.
//
// The lock file is created if missing, and stays. Only who holds the lock may remove it, as the
// last thing that it does: others that wait for it notice, and lock the new file.
class FileLock {
 public:
  // kBusy at once if somebody else holds it.
  static Result<FileLock> try_lock(const path& file);
  // Waits up to `timeout`, then kBusy. Polls, since flock has no timed form.
  static Result<FileLock> lock(const path& file, std::chrono::milliseconds timeout);
  // The same of something that is there already and need not be writable: a directory, a namespace
  // (/proc/PID/ns/net). Whoever can open it can keep us waiting.
  static Result<FileLock> lock_existing(const path& file, std::chrono::milliseconds timeout);
  // Takes over a lock that another process took and passed on.
  static FileLock adopt(UniqueFd fd) { return FileLock(std::move(fd)); }

  // For handing on to a child. Ownership stays.
  [[nodiscard]] const UniqueFd& fd() const { return fd_; }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace reprise::sys
