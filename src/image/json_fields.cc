// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "image/internal/json_fields.h"
#include "json/reader.h"

namespace reprise::image {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

Result<json> parse_strict_json(std::string_view text) {
  // The parser itself lets the last of several equal names win, without a word.
  std::vector<std::set<std::string>> names;
  bool repeated = false;
  const auto watch = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key)
      repeated |= !names.back().insert(value.get_ref<const std::string&>()).second;
    return true;
  };
  json value = json_reader::parse_or_discarded(text, watch);
  if (value.is_discarded()) return fail(ErrorCode::kCorrupt, "the text is not JSON");
  if (repeated) return fail(ErrorCode::kCorrupt, "a field is named twice");
  return value;
}

Result<FieldReader> FieldReader::of(const json& value, std::string where) {
  if (!value.is_object()) return fail(ErrorCode::kCorrupt, "'" + where + "' is not an object");
  return FieldReader(value, std::move(where));
}

std::unexpected<base::Error> FieldReader::wrong(const char* name, const char* what) const {
  return fail(ErrorCode::kCorrupt, "field '" + where_ + name + "' " + what);
}

Result<const json*> FieldReader::take(const char* name) {
  const auto field = object_->find(name);
  if (field == object_->end()) return wrong(name, "is missing");
  taken_.insert(name);
  return &*field;
}

Result<std::string> FieldReader::text(const char* name) {
  const json* field = REPRISE_PASS(take(name));
  if (!field->is_string()) return wrong(name, "is not a text");
  return field->get_ref<const std::string&>();
}

Result<std::string> FieldReader::text_not_empty(const char* name) {
  std::string value = REPRISE_PASS(text(name));
  if (value.empty()) return wrong(name, "is empty");
  return value;
}

Result<bool> FieldReader::boolean(const char* name) {
  const json* field = REPRISE_PASS(take(name));
  if (!field->is_boolean()) return wrong(name, "is neither true nor false");
  return field->get<bool>();
}

Result<std::uint64_t> FieldReader::natural(const char* name) {
  const json* field = REPRISE_PASS(take(name));
  // A number without sign, fraction or exponent that fits in 64 bits, nothing else.
  if (!field->is_number_unsigned()) return wrong(name, "is not a natural number");
  return field->get<std::uint64_t>();
}

Result<std::int64_t> FieldReader::not_negative(const char* name) {
  const std::uint64_t value = REPRISE_PASS(natural(name));
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return wrong(name, "is too large");
  return static_cast<std::int64_t>(value);
}

Result<const json*> FieldReader::array(const char* name) {
  const json* field = REPRISE_PASS(take(name));
  if (!field->is_array()) return wrong(name, "is not a list");
  return field;
}

Result<std::vector<std::string>> FieldReader::texts(const char* name) {
  const json* list = REPRISE_PASS(array(name));
  std::vector<std::string> values;
  for (const json& item : *list) {
    if (!item.is_string()) return wrong(name, "holds something that is not a text");
    values.push_back(item.get_ref<const std::string&>());
  }
  return values;
}

Result<void> FieldReader::finish() const {
  for (const auto& [name, value] : object_->items())
    if (!taken_.contains(name)) return wrong(name.c_str(), "is unknown");
  return {};
}

}  // namespace reprise::image
