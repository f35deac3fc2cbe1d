// SPDX-License-Identifier: Apache-2.0
//
// A file that is written once, from its beginning to its end, past the kernel's cache (O_DIRECT).
//
// What goes through the cache costs CPU time for each page, pushes out what others need, and where
// memory is short, makes the kernel search for pages to give up: bench/store.cc saw up to a second
// per gigabyte for that. File systems without O_DIRECT are written to through the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <memory>
#include <span>

#include "base/result.h"
#include "sys/files.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

class AppendFile {
 public:
  // Makes `file`, which must not exist; mode 0600.
  static Result<AppendFile> create(const path& file);
  AppendFile(AppendFile&&) noexcept = default;
  AppendFile& operator=(AppendFile&&) = delete;
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  // Waits for what is being written. Without finish() the end of the file is missing.
  ~AppendFile() = default;

  // Copies `bytes`, and waits for the disk when 8 MiB are not written yet. After an error, which
  // may be of what was appended before, everything fails with kInternal.
  Result<void> append(std::span<const std::byte> bytes);
  // Writes the rest and makes all durable. Nothing may be appended afterwards.
  Result<void> finish();
  // How much was appended.
  [[nodiscard]] std::uint64_t size() const { return written_ + filled_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }  // NOLINT: of aligned_alloc
  };
  using Buffer = std::unique_ptr<std::byte, Free>;

  explicit AppendFile(UniqueFd fd);
  static Buffer make_buffer();
  Result<void> append_bytes(std::span<const std::byte> bytes);
  Result<void> write_rest();
  Result<void> wait();
  Result<void> write_buffer();
  Result<void> remember_failure(Result<void> result);

  std::unique_ptr<UniqueFd> fd_;  // where a thread that writes finds it
  bool failed_ = false;
  Buffer filling_;
  Buffer other_;                         // null while it is being written
  std::size_t filled_ = 0;               // of filling_
  std::uint64_t written_ = 0;            // or being written
  std::future<Result<Buffer>> writing_;  // last: waits in its destructor
};

}  // namespace reprise::sys
