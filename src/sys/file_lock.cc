// SPDX-License-Identifier: Apache-2.0
#include "sys/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

Result<FileLock> FileLock::try_lock(const path& file) {
  UniqueFd fd = REPRISE_PASS(open_file(file, O_RDWR | O_CREAT));
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kBusy, "'" + file.string() + "' is locked by another process");
    return fail_errno(errno, "locking '" + file.string() + "'");
  }
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::lock(const path& file, std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kPoll{10};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    Result<FileLock> lock = try_lock(file);
    if (lock || lock.error().code() != ErrorCode::kBusy) return lock;
    if (std::chrono::steady_clock::now() >= deadline) return lock;
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace reprise::sys
