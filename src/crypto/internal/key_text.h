// SPDX-License-Identifier: Apache-2.0
//
// A key as people and other programs write it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "crypto/secret.h"

namespace reprise::crypto {

// 64 hexadecimal digits, or 32 bytes in base64 with its padding (44 characters); whitespace around
// them is ignored. kInvalidInput otherwise; the error says nothing of the text.
base::Result<Secret> parse_key(std::string_view text);

// As hexadecimal digits and a line feed.
base::Result<Secret> write_key(const Secret& key);

}  // namespace reprise::crypto
