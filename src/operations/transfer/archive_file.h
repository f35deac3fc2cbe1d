// SPDX-License-Identifier: Apache-2.0
//
// The file that an archive is written to, and how much of one went through.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "operations/progress.h"
#include "sys/unique_fd.h"

namespace reprise::operations {

// A file that is there as a whole or not at all: until commit() it is called FILE.partial.
class ArchiveOutput {
 public:
  static base::Result<ArchiveOutput> create(const std::filesystem::path& file);
  // A stream that somebody reads: what was written to it is there.
  static ArchiveOutput to_stream(sys::UniqueFd fd) { return {{}, std::move(fd)}; }
  ArchiveOutput(ArchiveOutput&& other) noexcept
      : file_(std::exchange(other.file_, {})), fd_(std::move(other.fd_)) {}
  ArchiveOutput& operator=(ArchiveOutput&&) = delete;
  ~ArchiveOutput();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Makes a file durable and visible, in place of what was called FILE before.
  base::Result<void> commit();

 private:
  ArchiveOutput(std::filesystem::path file, sys::UniqueFd fd)
      : file_(std::move(file)), fd_(std::move(fd)) {}
  [[nodiscard]] std::filesystem::path partial() const { return file_.string() + ".partial"; }
  std::filesystem::path file_;  // empty: a stream
  sys::UniqueFd fd_;
};

// Says how many bytes went through, a few times per second.
class ByteProgress {
 public:
  explicit ByteProgress(Progress& progress) : progress_(progress) {}
  void add(std::size_t bytes);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Progress& progress_;
  std::uint64_t bytes_ = 0;
  std::int64_t shown_ms_ = 0;
  base::Stopwatch since_;
};

}  // namespace reprise::operations
