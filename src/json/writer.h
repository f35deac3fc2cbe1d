// SPDX-License-Identifier: Apache-2.0
//
// JSON as text, of whatever bytes: nlohmann's dump() throws at those that are no UTF-8, and names
// of files, arguments and environments may be any.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace reprise::json_writer {

// On one line, or indented by so many blanks. Bytes that are no UTF-8 are replaced (U+FFFD).
template <typename Json>
[[nodiscard]] std::string print(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// What json_reader::bytes_in() gives back unchanged: a text, or {"hex": "…"} if it is no UTF-8.
[[nodiscard]] nlohmann::json of_bytes(std::string_view bytes);

}  // namespace reprise::json_writer
