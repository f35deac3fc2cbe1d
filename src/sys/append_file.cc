// SPDX-License-Identifier: Apache-2.0
#include "sys/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reprise::sys {

using base::ErrorCode;
using base::fail;
using base::fail_errno;

namespace {

// Large enough that a disk is as fast as it can be.
constexpr std::size_t kBufferBytes = std::size_t{4} << 20;
// What O_DIRECT may ask of addresses, offsets and lengths: the largest logical block of disks.
constexpr std::size_t kAlignment = 4096;

bool set_direct(int fd, bool direct) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

Result<void> write_whole(int fd, std::uint64_t offset, std::span<const std::byte> bytes) {
  Result<void> written = write_at(fd, offset, bytes);
  // A file system or disk that wants another alignment; and after a part of a write, what is left
  // of it may not be aligned.
  if (!written && written.error().error_number() == EINVAL && set_direct(fd, false))
    written = write_at(fd, offset, bytes);
  return written;
}

}  // namespace

AppendFile::AppendFile(UniqueFd fd) : fd_(std::make_unique<UniqueFd>(std::move(fd))) {}

Result<AppendFile> AppendFile::create(const path& file) {
  UniqueFd fd = REPRISE_PASS(open_file(file, O_WRONLY | O_CREAT | O_EXCL));
  (void)set_direct(fd.get(), true);  // where the file system can do that
  return AppendFile(std::move(fd));
}

AppendFile::Buffer AppendFile::make_buffer() {
  Buffer buffer(static_cast<std::byte*>(std::aligned_alloc(kAlignment, kBufferBytes)));
  REPRISE_ASSERT(buffer != nullptr);  // as operator new
  return buffer;
}

// What comes after a failure would leave a hole in the file, which nobody would notice.
Result<void> AppendFile::remember_failure(Result<void> result) {
  if (!result) failed_ = true;
  return result;
}

Result<void> AppendFile::append(std::span<const std::byte> bytes) {
  if (failed_) return fail(ErrorCode::kInternal, "writing failed before");
  return remember_failure(append_bytes(bytes));
}

Result<void> AppendFile::finish() {
  if (failed_) return fail(ErrorCode::kInternal, "writing failed before");
  return remember_failure(write_rest());
}

Result<void> AppendFile::append_bytes(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (filling_ == nullptr) filling_ = other_ != nullptr ? std::move(other_) : make_buffer();
    const std::size_t taken = std::min(bytes.size(), kBufferBytes - filled_);
    std::memcpy(filling_.get() + filled_, bytes.data(), taken);
    filled_ += taken;
    bytes = bytes.subspan(taken);
    if (filled_ == kBufferBytes) REPRISE_PASS(write_buffer());
  }
  return {};
}

// For the buffer that is being written, which then is the other one.
Result<void> AppendFile::wait() {
  if (writing_.valid()) other_ = REPRISE_PASS(writing_.get());
  return {};
}

Result<void> AppendFile::write_buffer() {
  REPRISE_PASS(wait());
  writing_ = std::async(std::launch::async,
                        [fd = fd_->get(), offset = written_, bytes = filled_,
                         buffer = std::move(filling_)]() mutable -> Result<Buffer> {
                          REPRISE_PASS(write_whole(fd, offset, {buffer.get(), bytes}));
                          return std::move(buffer);
                        });
  written_ += filled_;
  filled_ = 0;
  return {};
}

Result<void> AppendFile::write_rest() {
  REPRISE_PASS(wait());
  // The end is seldom a multiple of anything.
  (void)set_direct(fd_->get(), false);
  REPRISE_PASS(write_at(fd_->get(), written_, {filling_.get(), filled_}));
  written_ += std::exchange(filled_, 0);
  if (::fsync(fd_->get()) != 0) return fail_errno(errno, "making it durable");
  return {};
}

}  // namespace reprise::sys
