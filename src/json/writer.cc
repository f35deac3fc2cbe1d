// SPDX-License-Identifier: Apache-2.0
#include "json/writer.h"

namespace reprise::json_writer {

namespace {

bool is_utf8(const nlohmann::json& text) {
  using Handler = nlohmann::json::error_handler_t;
  return text.dump(-1, ' ', false, Handler::replace) == text.dump(-1, ' ', false, Handler::ignore);
}

}  // namespace

nlohmann::json of_bytes(std::string_view bytes) {
  nlohmann::json text = std::string(bytes);
  if (is_utf8(text)) return text;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte / kDigits.size()];
    hex += kDigits[byte % kDigits.size()];
  }
  return {{"hex", std::move(hex)}};
}

}  // namespace reprise::json_writer
