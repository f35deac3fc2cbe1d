// SPDX-License-Identifier: Apache-2.0
//
// Key material in memory: never swapped, not in core dumps, wiped when it goes.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace reprise::crypto {

using base::Result;

// Owns a fixed number of secret bytes. Movable only; a moved-from one is empty.
//
// They lie in OpenSSL's secure heap: one arena of kArenaBytes, locked in memory, left out of core
// dumps, between guard pages. It is made with the first Secret of the process and shared with
// OpenSSL's own private keys. Where the process may not lock memory (RLIMIT_MEMLOCK without
// CAP_IPC_LOCK), everything works and holds but one thing: the bytes could be swapped; see
// `is_locked()`.
//
// A child that was forked without exec has the bytes too; its copies of them are not locked.
class Secret {
 public:
  static constexpr std::size_t kArenaBytes = std::size_t{64} << 10;

  // From OpenSSL's generator for secrets, which the kernel seeds. kInvalidInput for no bytes, kBusy
  // if the arena has no room for them.
  static Result<Secret> random(std::size_t bytes);
  // The caller wipes its own. Errors as above.
  static Result<Secret> copy_of(std::span<const std::byte> bytes);
  // All zero, to be filled through `bytes()`. Errors as above.
  static Result<Secret> zeros(std::size_t bytes);

  [[nodiscard]] std::span<const std::byte> view() const { return {data_.get(), size()}; }
  [[nodiscard]] std::span<std::byte> bytes() { return {data_.get(), size()}; }
  [[nodiscard]] std::size_t size() const { return data_ != nullptr ? size_ : 0; }

  // Whether secrets of this process are kept from being swapped.
  static bool is_locked();

 private:
  struct WipeAndFree {
    void operator()(std::byte* data) const;
  };
  Secret(std::byte* data, std::size_t bytes) : data_(data), size_(bytes) {}

  std::unique_ptr<std::byte, WipeAndFree> data_;
  std::size_t size_;
};

// Overwrites memory in a way that compilers do not drop: for what had to pass through memory that
// is no Secret.
void wipe(std::span<std::byte> bytes);

}  // namespace reprise::crypto
