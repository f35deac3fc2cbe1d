// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "json/reader.h"
#include "json/writer.h"

namespace reprise::host {

// Messages come from our own processes, but possibly of another version during an upgrade: one that
// cannot be read is an error (kInternal), never a crash.
template <typename Decode>
auto guarded(const char* what, Decode decode) -> base::Result<decltype(decode())> {
  try {
    return decode();
  } catch (const nlohmann::json::exception& error) {
    return base::fail(base::ErrorCode::kInternal,
                      std::string("unreadable ") + what + ": " + error.what());
  } catch (const std::out_of_range&) {
    return base::fail(base::ErrorCode::kInternal, std::string("unreadable ") + what);
  }
}

// Throws std::out_of_range for a name that is not among them.
template <std::size_t kCount>
std::size_t index_of(const std::array<std::string_view, kCount>& names, const std::string& name) {
  for (std::size_t i = 0; i < kCount; ++i)
    if (names[i] == name) return i;
  throw std::out_of_range(name);
}

// An empty text is none. Throws std::out_of_range for what is no id.
template <typename Id>
Id id_from(const std::string& text) {
  auto id = Id::parse_optional(text);
  if (!id) throw std::out_of_range(text);
  return std::move(*id);
}

// Words of a command line are bytes.
inline nlohmann::json words_to_json(const std::vector<std::string>& words) {
  nlohmann::json array = nlohmann::json::array();
  for (const std::string& word : words) array.push_back(json_writer::of_bytes(word));
  return array;
}
inline std::vector<std::string> words_from_json(const nlohmann::json& array) {
  std::vector<std::string> words;
  for (const nlohmann::json& word : array) words.push_back(json_reader::bytes_in(word));
  return words;
}

}  // namespace reprise::host
