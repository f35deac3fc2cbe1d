// SPDX-License-Identifier: Apache-2.0
//
// Bytes as hexadecimal text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace reprise::crypto {

// Lower-case digits, two per byte.
std::string to_hex(std::span<const std::byte> bytes);

// Fills `into` from two digits per byte, of either case. False if `text` is anything else; `into`
// may then hold a part of it.
bool read_hex(std::string_view text, std::span<std::byte> into);

}  // namespace reprise::crypto
