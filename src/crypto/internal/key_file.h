// SPDX-License-Identifier: Apache-2.0
//
// The text of a tenant's key file, docs/format/keys.md: encode and decode only.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/aead.h"

namespace reprise::crypto {

inline constexpr std::size_t kKeyFileLimit = 4096;  // bytes of the whole text

struct KeyFile {
  std::string tenant;
  std::string id;   // of the tenant's secret
  std::string kek;  // id of the key-encryption key
  std::array<std::byte, kKeyBytes + kSealOverhead> wrapped{};
  base::UnixMillis created = 0;
};

// What the wrapped secret is bound to: every other field.
std::string bound_of(const KeyFile& file);

// Equal key files are equal texts, ended by a line feed.
std::string encode_key_file(const KeyFile& file);

// kCorrupt for any text that encode_key_file does not make; kUnsupported if it is whole but has a
// newer version.
base::Result<KeyFile> decode_key_file(std::string_view text);

}  // namespace reprise::crypto
