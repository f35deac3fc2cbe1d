// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>

#include "crypto/aead.h"
#include "crypto/hex.h"
#include "crypto/internal/key_text.h"

namespace reprise::crypto {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kHexLength = 2 * kKeyBytes;
constexpr std::size_t kBase64Length = 44;  // 32 bytes: 43 digits and one '='

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

bool read_base64(std::string_view text, std::span<std::byte> into) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != kBase64Length || text.back() != '=') return false;
  text.remove_suffix(1);
  std::uint32_t bits = 0;
  unsigned count = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    into[at++] = static_cast<std::byte>(bits >> count);
    bits &= (1U << count) - 1;
  }
  // What the last digit has too many must be zero, or the text was not made from 32 bytes.
  return at == into.size() && bits == 0;
}

}  // namespace

Result<Secret> parse_key(std::string_view text) {
  const std::string_view digits = trimmed(text);
  Secret key = REPRISE_PASS(Secret::zeros(kKeyBytes));
  if (digits.size() == kHexLength ? read_hex(digits, key.bytes())
                                  : read_base64(digits, key.bytes()))
    return key;
  return std::unexpected(
      Error(ErrorCode::kInvalidInput, "there is no key of 32 bytes in hexadecimal or base64")
          .with_hint("'openssl rand -hex 32' makes one"));
}

Result<Secret> write_key(const Secret& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  Secret text = REPRISE_PASS(Secret::zeros(2 * key.size() + 1));
  std::size_t at = 0;
  for (const std::byte byte : key.view()) {
    text.bytes()[at++] = static_cast<std::byte>(kDigits[std::to_integer<std::size_t>(byte >> 4U)]);
    text.bytes()[at++] =
        static_cast<std::byte>(kDigits[std::to_integer<std::size_t>(byte & std::byte{0xF})]);
  }
  text.bytes()[at] = std::byte{'\n'};
  return text;
}

}  // namespace reprise::crypto
