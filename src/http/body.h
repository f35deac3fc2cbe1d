// SPDX-License-Identifier: Apache-2.0
//
// What is sent: a text, or a part of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace reprise::http {

using base::Result;

// A view: text or file belong to the caller. Can be read several times.
class Body {
 public:
  explicit Body(std::string_view text) : text_(text), bytes_(text.size()) {}
  // `bytes` from `offset` on of an open file.
  Body(int file, std::uint64_t offset, std::uint64_t bytes)
      : file_(file), offset_(offset), bytes_(bytes) {}

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Fills `out` with what lies `at` bytes from the beginning. kCorrupt if the file has become
  // shorter.
  [[nodiscard]] Result<void> read(std::uint64_t at, std::span<std::byte> out) const;

 private:
  std::string_view text_;
  int file_ = -1;
  std::uint64_t offset_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace reprise::http
