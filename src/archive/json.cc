// SPDX-License-Identifier: Apache-2.0
#include "archive/internal/json.h"

#include <utility>

#include "json/reader.h"

namespace reprise::archive {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

std::unexpected<base::Error> wrong(std::string_view member, const std::string& field,
                                   const char* type) {
  return fail(ErrorCode::kCorrupt, "'" + std::string(member) + "': '" + field + "' is not " + type);
}

// A copy, so that the caller may loop over a temporary.
Result<json> field_of(const json& object, std::string_view member, const char* field) {
  if (!object.is_object()) return wrong(member, field, "in an object");
  const auto found = object.find(field);
  return found == object.end() ? json() : *found;
}

}  // namespace

Result<json> parse_object(std::string_view text, std::string_view member) {
  json value = json_reader::parse_or_discarded(text);
  if (value.is_object()) return value;
  return fail(ErrorCode::kCorrupt, "'" + std::string(member) + "' is not a JSON object");
}

Result<std::string> text_field(const json& object, std::string_view member, const char* field) {
  const json value = REPRISE_PASS(field_of(object, member, field));
  if (value.is_null()) return std::string();
  if (!value.is_string()) return wrong(member, field, "a text");
  return value.get<std::string>();
}

Result<bool> flag_field(const json& object, std::string_view member, const char* field) {
  const json value = REPRISE_PASS(field_of(object, member, field));
  if (value.is_null()) return false;
  if (!value.is_boolean()) return wrong(member, field, "true or false");
  return value.get<bool>();
}

Result<json> object_field(const json& object, std::string_view member, const char* field) {
  json value = REPRISE_PASS(field_of(object, member, field));
  if (value.is_null()) return json::object();
  if (!value.is_object()) return wrong(member, field, "an object");
  return value;
}

Result<json> list_field(const json& object, std::string_view member, const char* field) {
  json value = REPRISE_PASS(field_of(object, member, field));
  if (value.is_null()) return json::array();
  if (!value.is_array()) return wrong(member, field, "a list");
  return value;
}

Result<std::vector<std::string>> texts_field(const json& object, std::string_view member,
                                             const char* field) {
  std::vector<std::string> texts;
  for (const json& item : REPRISE_PASS(list_field(object, member, field))) {
    if (!item.is_string()) return wrong(member, field, "a list of texts");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace reprise::archive
