// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

namespace reprise::image {

namespace {

std::string to_hex(XXH128_hash_t hash) {
  // The canonical form is big endian, so the text does not depend on the machine.
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(kDigestLength);
  for (const unsigned char byte : canonical.digest) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 0xFU];
  }
  return hex;
}

}  // namespace

std::string digest_of(std::string_view data) {
  return to_hex(XXH3_128bits(data.data(), data.size()));
}

bool is_digest(std::string_view text) {
  return text.size() == kDigestLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace reprise::image
