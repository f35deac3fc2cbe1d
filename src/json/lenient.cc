// SPDX-License-Identifier: Apache-2.0
#include "json/lenient.h"

namespace reprise::json_reader {

using nlohmann::json;

const json& child_of(const json& object, std::string_view field) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(field);
  return found == object.end() ? nothing : *found;
}

const json& object_in(const json& object, std::string_view field) {
  static const json nothing = json::object();
  const json& value = child_of(object, field);
  return value.is_object() ? value : nothing;
}

const json& list_in(const json& object, std::string_view field) {
  static const json nothing = json::array();
  const json& value = child_of(object, field);
  return value.is_array() ? value : nothing;
}

std::int64_t number_in(const json& object, std::string_view field, std::int64_t otherwise) {
  const json& value = child_of(object, field);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

bool flag_in(const json& object, std::string_view field) {
  const json& value = child_of(object, field);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> texts_of(const json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const json& item : list)
    if (item.is_string()) texts.push_back(item.get<std::string>());
  return texts;
}

std::map<std::string, std::string> named_texts_of(const json& object) {
  std::map<std::string, std::string> texts;
  if (!object.is_object()) return texts;
  for (const auto& [name, item] : object.items())
    if (item.is_string()) texts.emplace(name, item.get<std::string>());
  return texts;
}

}  // namespace reprise::json_reader
