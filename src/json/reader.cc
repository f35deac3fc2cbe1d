// SPDX-License-Identifier: Apache-2.0
#include "json/reader.h"

namespace reprise::json_reader {

bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (in_string) {
      if (letter == '\\') ++i;  // whatever follows, it does not end the string
      in_string = letter != '"';
      continue;
    }
    in_string = letter == '"';
    if (letter == '[' || letter == '{') ++depth;
    if (depth > kMaxDepth) return true;
    if ((letter == ']' || letter == '}') && depth > 0) --depth;
  }
  return false;
}

bool may_have_fractions(std::string_view text) {
  constexpr std::size_t kDigitsOf64Bits = 19;
  std::size_t digits = 0;
  for (const char letter : text) {
    if (digits > 0 && (letter == '.' || letter == 'e' || letter == 'E')) return true;
    digits = letter >= '0' && letter <= '9' ? digits + 1 : 0;
    if (digits > kDigitsOf64Bits) return true;
  }
  return false;
}

nlohmann::json parse_top(std::string_view text, int depth) {
  using Event = nlohmann::json::parse_event_t;
  const auto is_above = [&](int level, Event event, const nlohmann::json&) {
    return level < depth || (event != Event::object_start && event != Event::array_start);
  };
  return internal::parse<nlohmann::json>(text, is_above, /*allow_exceptions=*/false);
}

std::string bytes_in(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  const std::string hex = value.is_object() && value.size() == 1 ? text_in(value, "hex") : "";
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const std::size_t high = kDigits.find(hex[i]);
    const std::size_t low = kDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) break;
    bytes += static_cast<char>(high * kDigits.size() + low);
  }
  if (bytes.empty() || bytes.size() * 2 != hex.size())
    throw nlohmann::json::other_error::create(501, "neither a text nor bytes", nullptr);
  return bytes;
}

}  // namespace reprise::json_reader
