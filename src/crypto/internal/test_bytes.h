// SPDX-License-Identifier: Apache-2.0
//
// For tests only: bytes and keys from text.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/hex.h"
#include "crypto/secret.h"

namespace reprise::crypto {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline Bytes bytes_of_hex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_TRUE(read_hex(hex, bytes)) << hex;
  return bytes;
}

inline Secret secret_of(std::span<const std::byte> bytes) { return *Secret::copy_of(bytes); }

// A key of 32 equal bytes.
inline Secret key_of(std::uint8_t byte) { return secret_of(Bytes(32, std::byte{byte})); }

}  // namespace reprise::crypto
