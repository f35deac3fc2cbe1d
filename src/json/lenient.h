// SPDX-License-Identifier: Apache-2.0
//
// Fields out of JSON of others, where something of another type, or nothing, is as good as empty:
// programs write null for what they do not have, and which fields those are differs between
// versions. text_in() stands in json/reader.h.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::json_reader {

// Null if `object` is none, or has no such field. Lives as long as `object`.
[[nodiscard]] const nlohmann::json& child_of(const nlohmann::json& object, std::string_view field);
// The same, but empty, not null, unless it is an object, or a list: to be gone through.
[[nodiscard]] const nlohmann::json& object_in(const nlohmann::json& object, std::string_view field);
[[nodiscard]] const nlohmann::json& list_in(const nlohmann::json& object, std::string_view field);
// Whole numbers only.
[[nodiscard]] std::int64_t number_in(const nlohmann::json& object, std::string_view field,
                                     std::int64_t otherwise = 0);
[[nodiscard]] bool flag_in(const nlohmann::json& object, std::string_view field);
// The texts in a list, without what else is in it.
[[nodiscard]] std::vector<std::string> texts_of(const nlohmann::json& list);
// The fields of `object` that are texts.
[[nodiscard]] std::map<std::string, std::string> named_texts_of(const nlohmann::json& object);

}  // namespace reprise::json_reader
