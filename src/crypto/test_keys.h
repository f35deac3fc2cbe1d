// SPDX-License-Identifier: Apache-2.0
//
// For tests only: keys of a tenant that no file holds.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "crypto/keys.h"
#include "sys/test_support.h"

namespace reprise::crypto {

inline TenantKeys keys_of(const std::function<Result<Secret>()>& secret) {
  const auto next = [&] { return sys::value_of(secret()); };
  return {.data = sys::value_of(Aead::with_key(next())),
          .manifests = sys::value_of(Aead::with_key(next())),
          .pages = sys::value_of(PageHasher::with_key(next())),
          .id = "0123456789abcdef"};
}

// New ones with each call.
inline TenantKeys test_keys() {
  return keys_of([] { return Secret::random(kKeyBytes); });
}

// The same with each call.
inline TenantKeys fixed_keys() {
  return keys_of([] { return Secret::copy_of(std::vector<std::byte>(kKeyBytes, std::byte{7})); });
}

}  // namespace reprise::crypto
