// SPDX-License-Identifier: Apache-2.0
//
// The identity of a page among those of one tenant.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/result.h"
#include "crypto/secret.h"

namespace reprise::crypto {

// Equal for equal pages of one tenant; two different pages never share one in practice (128 bits:
// 2^-40 for 2^44 pages, which are 64 PiB). Tells nothing about the page to whoever lacks the key,
// and other tenants have other keys.
using PageId = std::array<std::byte, 16>;

// BLAKE3 in keyed mode, its first 16 bytes. Any number of threads may use one object at once.
class PageHasher {
 public:
  // Copies the key. kInvalidInput unless it has kKeyBytes (crypto/aead.h).
  static Result<PageHasher> with_key(const Secret& key);

  // `page` may have any length.
  [[nodiscard]] PageId of(std::span<const std::byte> page) const;

 private:
  explicit PageHasher(Secret key) : key_(std::move(key)) {}
  Secret key_;
};

}  // namespace reprise::crypto
