// SPDX-License-Identifier: Apache-2.0
//
// The FILE of `checkpoint export` and `import`: a path, or "-" for standard output or input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "archive/tar.h"
#include "base/clock.h"
#include "base/result.h"
#include "operations/progress.h"
#include "sys/unique_fd.h"

namespace reprise::cli {

inline constexpr const char* kStandardStream = "-";

// A file that is there as a whole or not at all: until commit() it is called FILE.partial.
class ArchiveOutput {
 public:
  // kInvalidInput for "-" if that is a terminal.
  static base::Result<ArchiveOutput> create(const std::string& file);
  ArchiveOutput(ArchiveOutput&& other) noexcept
      : file_(std::exchange(other.file_, {})), fd_(std::move(other.fd_)) {}
  ArchiveOutput& operator=(ArchiveOutput&&) = delete;
  ~ArchiveOutput();

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Makes it durable and visible, in place of what was called FILE before.
  base::Result<void> commit();

 private:
  ArchiveOutput(std::filesystem::path file, sys::UniqueFd fd)
      : file_(std::move(file)), fd_(std::move(fd)) {}
  [[nodiscard]] std::filesystem::path partial() const { return file_.string() + ".partial"; }
  std::filesystem::path file_;  // empty: standard output
  sys::UniqueFd fd_;
};

base::Result<sys::UniqueFd> open_archive(const std::string& file);

// Says how many bytes went through, a few times per second.
class ByteProgress {
 public:
  explicit ByteProgress(operations::Progress& progress) : progress_(progress) {}
  void add(std::size_t bytes);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  operations::Progress& progress_;
  std::uint64_t bytes_ = 0;
  std::int64_t shown_ms_ = 0;
  base::Stopwatch since_;
};

}  // namespace reprise::cli
