// SPDX-License-Identifier: Apache-2.0
//
// A stretch of a file as the kernel caches it, to be read without copying it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/result.h"

namespace reprise::sys {

class FileMapping {
 public:
  FileMapping() = default;
  // Maps `size` bytes at `offset`, which is a multiple of the page size, and reads them from the
  // disk if they are not in memory. The descriptor may be closed then, the file be removed. kIo if
  // the file is shorter than that, or the disk fails.
  //
  // Only for files that nobody makes shorter meanwhile: touching what is not there any more ends
  // the process with SIGBUS (mmap(2)).
  static base::Result<FileMapping> map(int fd, std::uint64_t offset, std::size_t size);
  FileMapping(FileMapping&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    return *this;
  }
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;
  ~FileMapping();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {begin_, size_}; }
  // The same, up to the end of its last page: the kernel fills that up with zeros (mmap(2)).
  [[nodiscard]] std::span<const std::byte> pages() const;

 private:
  FileMapping(const std::byte* begin, std::size_t size) : begin_(begin), size_(size) {}

  const std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace reprise::sys
