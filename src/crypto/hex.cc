// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "crypto/hex.h"

namespace reprise::crypto {

namespace {

// The value of a digit, or 16.
std::uint8_t digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  if (digit >= 'A' && digit <= 'F') return static_cast<std::uint8_t>(digit - 'A' + 10);
  return 16;
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4U)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xF})];
  }
  return text;
}

bool read_hex(std::string_view text, std::span<std::byte> into) {
  if (text.size() != into.size() * 2) return false;
  for (std::size_t i = 0; i < into.size(); ++i) {
    const std::uint8_t high = digit_value(text[2 * i]);
    const std::uint8_t low = digit_value(text[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    into[i] = static_cast<std::byte>(high << 4U | low);
  }
  return true;
}

}  // namespace reprise::crypto
