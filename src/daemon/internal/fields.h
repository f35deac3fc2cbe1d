// SPDX-License-Identifier: Apache-2.0
//
// Fields of objects in the API, any of which may be missing or of another kind.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "json/reader.h"

namespace reprise::daemon {

using json_reader::text_in;

// An empty one where there is none.
inline const nlohmann::json& object_in(const nlohmann::json& object, const char* field) {
  static const nlohmann::json kNone = nlohmann::json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(field);
  return found != object.end() && found->is_object() ? *found : kNone;
}
inline const nlohmann::json& list_in(const nlohmann::json& object, const char* field) {
  static const nlohmann::json kNone = nlohmann::json::array();
  if (!object.is_object()) return kNone;
  const auto found = object.find(field);
  return found != object.end() && found->is_array() ? *found : kNone;
}
inline bool is_true(const nlohmann::json& object, const char* field) {
  if (!object.is_object()) return false;
  const auto found = object.find(field);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace reprise::daemon
