// SPDX-License-Identifier: Apache-2.0
#include "crypto/page_hash.h"

#include <blake3.h>

#include <string>

#include "crypto/aead.h"

namespace reprise::crypto {

Result<PageHasher> PageHasher::with_key(const Secret& key) {
  static_assert(kKeyBytes == BLAKE3_KEY_LEN);
  if (key.size() != kKeyBytes)
    return base::fail(
        base::ErrorCode::kInvalidInput,
        "a key of " + std::to_string(key.size()) + " bytes, not " + std::to_string(kKeyBytes));
  return PageHasher(REPRISE_PASS(Secret::copy_of(key.view())));
}

PageId PageHasher::of(std::span<const std::byte> page) const {
  // Not value-initialized: 1.7 KiB of it are a stack for long inputs.
  blake3_hasher hasher;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  blake3_hasher_init_keyed(&hasher, reinterpret_cast<const std::uint8_t*>(key_.view().data()));
  blake3_hasher_update(&hasher, page.data(), page.size());
  PageId id{};
  blake3_hasher_finalize(&hasher, reinterpret_cast<std::uint8_t*>(id.data()), id.size());
  // The two places where the key lies; the rest depends on the page and is no key.
  wipe(std::as_writable_bytes(std::span(hasher.key)));
  wipe(std::as_writable_bytes(std::span(hasher.chunk.cv)));
  return id;
}

}  // namespace reprise::crypto
