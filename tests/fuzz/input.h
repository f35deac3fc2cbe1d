// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets share: their input as text, and a promise that ends the process if broken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "crypto/keys.h"

namespace reprise::fuzz {

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT: bytes are bytes
}

// libFuzzer keeps the input of whatever aborts.
inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "broken: " << what << '\n';
  std::abort();
}

// Takes the first byte off `input`: which of `count` ways to use the rest.
inline unsigned way_of(std::string& input, unsigned count) {
  if (input.empty()) return 0;
  const unsigned way = static_cast<unsigned char>(input.front()) % count;
  input.erase(0, 1);
  return way;
}

// New in every process: nothing of what is fuzzed may depend on them.
inline const crypto::TenantKeys& keys() {
  static const crypto::TenantKeys kKeys = [] {
    const auto aead = [] {
      return std::move(*crypto::Aead::with_key(*crypto::Secret::random(crypto::kKeyBytes)));
    };
    auto pages =
        std::move(*crypto::PageHasher::with_key(*crypto::Secret::random(crypto::kKeyBytes)));
    crypto::Aead data = aead();
    crypto::Aead manifests = aead();
    return crypto::TenantKeys{.data = std::move(data),
                              .manifests = std::move(manifests),
                              .pages = std::move(pages),
                              .id = "0123456789abcdef"};
  }();
  return kKeys;
}

}  // namespace reprise::fuzz
