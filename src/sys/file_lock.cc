// SPDX-License-Identifier: Apache-2.0
#include "sys/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

#include "sys/shared_lock.h"

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

Result<void> try_flock(const UniqueFd& fd, const path& file, int kind = LOCK_EX) {
  while (::flock(fd.get(), kind | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kBusy, "'" + file.string() + "' is locked by another process");
    return fail_errno(errno, "locking '" + file.string() + "'");
  }
  return {};
}

// Whether the name leads to the file that was opened.
Result<bool> is_still(const UniqueFd& fd, const path& file) {
  struct stat opened{};
  if (::fstat(fd.get(), &opened) != 0) return fail_errno(errno, "locking '" + file.string() + "'");
  struct stat named{};
  if (::stat(file.c_str(), &named) == 0)
    return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
  if (errno == ENOENT) return false;
  return fail_errno(errno, "locking '" + file.string() + "'");
}

// Calls `attempt` until it is no longer kBusy, or the time is up.
template <typename Attempt>
auto poll(std::chrono::milliseconds timeout, const Attempt& attempt) {
  constexpr std::chrono::milliseconds kPoll{10};
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    auto result = attempt();
    if (result || result.error().code() != ErrorCode::kBusy) return result;
    if (std::chrono::steady_clock::now() >= deadline) return result;
    std::this_thread::sleep_for(kPoll);
  }
}

Result<UniqueFd> try_once(const path& file, int kind) {
  constexpr int kAttempts = 100;  // each time a holder has just removed it
  for (int i = 0; i < kAttempts; ++i) {
    UniqueFd fd = REPRISE_PASS(open_file(file, O_RDWR | O_CREAT));
    REPRISE_PASS(try_flock(fd, file, kind));
    if (REPRISE_PASS(is_still(fd, file))) return fd;
  }
  return fail(ErrorCode::kBusy, "'" + file.string() + "' is removed again and again");
}

}  // namespace

Result<FileLock> FileLock::try_lock(const path& file) {
  return FileLock(REPRISE_PASS(try_once(file, LOCK_EX)));
}

Result<FileLock> FileLock::lock(const path& file, std::chrono::milliseconds timeout) {
  return poll(timeout, [&] { return try_lock(file); });
}

Result<FileLock> FileLock::lock_existing(const path& file, std::chrono::milliseconds timeout) {
  UniqueFd fd = REPRISE_PASS(open_file(file, O_RDONLY));
  REPRISE_PASS(poll(timeout, [&] { return try_flock(fd, file); }));
  return FileLock(std::move(fd));
}

Result<FileLock> lock_shared(const path& file, std::chrono::milliseconds timeout) {
  return FileLock::adopt(REPRISE_PASS(poll(timeout, [&] { return try_once(file, LOCK_SH); })));
}

}  // namespace reprise::sys
