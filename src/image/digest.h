// SPDX-License-Identifier: Apache-2.0
//
// The digest by which damage of texts is found: XXH3-128.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise::image {

// Length of a digest as text: lower-case hex.
inline constexpr std::size_t kDigestLength = 32;

// Finds damage, not forgery: XXH3 is not cryptographic.
std::string digest_of(std::string_view data);

// Whether `text` has the form of a digest.
bool is_digest(std::string_view text);

}  // namespace reprise::image
