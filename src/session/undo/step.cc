// SPDX-License-Identifier: Apache-2.0
#include "session/undo/step.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"

namespace reprise::session::undo {

using base::ErrorCode;
using base::Result;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr int kVersion = 1;

json to_json(const std::string& text) { return json_writer::of_bytes(text); }
json to_json(const path& file) { return json_writer::of_bytes(file.native()); }
json to_json(const std::vector<std::string>& texts) {
  json array = json::array();
  for (const std::string& text : texts) array.push_back(to_json(text));
  return array;
}
// A list, since the names in an object must be UTF-8.
json to_json(const std::map<std::string, std::string>& texts) {
  json array = json::array();
  for (const auto& [key, value] : texts)
    array.push_back({{"name", to_json(key)}, {"value", to_json(value)}});
  return array;
}

// All throw nlohmann's exceptions.
void from_json(const json& value, path& file) { file = json_reader::bytes_in(value); }
void from_json(const json& value, std::vector<std::string>& texts) {
  for (const json& one : value.get<json::array_t>()) texts.push_back(json_reader::bytes_in(one));
}
void from_json(const json& value, std::map<std::string, std::string>& texts) {
  for (const json& one : value.get<json::array_t>())
    texts[json_reader::bytes_in(one.at("name"))] = json_reader::bytes_in(one.at("value"));
}

// A field of any kind but the optional ones is there, or that is an exception.
template <typename Value>
void write_field(json& object, const char* field, const Value& value) {
  object[field] = to_json(value);
}
void write_field(json& object, const char* field, const std::optional<path>& value) {
  if (value) object[field] = to_json(*value);
}
template <typename Value>
void read_field(const json& object, const char* field, Value& value) {
  from_json(object.at(field), value);
}
void read_field(const json& object, const char* field, std::optional<path>& value) {
  if (object.contains(field)) from_json(object.at(field), value.emplace());
}

ordered_json step_to_json(const Unknown& step) {
  return json_reader::parse_or_discarded<ordered_json>(
      step.json);  // printed from one that was read
}
template <typename Known>
ordered_json step_to_json(const Known& step) {
  json object{{"step", Known::kName}};
  Known::each(step,
              [&object](const char* name, const auto& field) { write_field(object, name, field); });
  return ordered_json(object);
}

template <typename Known>
std::optional<Step> read_as(const json& object, const std::string& name) {
  if (name != Known::kName) return std::nullopt;
  Known step;
  try {
    Known::each(step,
                [&object](const char* field, auto& value) { read_field(object, field, value); });
  } catch (const json::exception&) {
    return std::nullopt;
  }
  return step;
}

template <typename... Known>
Step read_step(const ordered_json& text, const std::variant<Unknown, Known...>* /*kinds*/) {
  const json object(text);
  const std::string name = json_reader::text_in(object, "step");
  std::optional<Step> found;
  // The first that can.
  static_cast<void>(((found = read_as<Known>(object, name)) || ...));
  return found ? std::move(*found) : Step(Unknown{json_writer::print(text)});
}

std::string name(const Unknown& step) {
  const auto object = json_reader::parse_or_discarded<json>(step.json);
  const std::string text = json_reader::text_in(object, "step");
  return text.empty() ? "nameless" : text;
}
template <typename Known>
std::string name(const Known& /*step*/) {
  return std::string(Known::kName);
}

}  // namespace

std::string name_of(const Step& step) {
  return std::visit([](const auto& known) { return name(known); }, step);
}

std::string encode(const std::vector<Step>& steps) {
  ordered_json array = ordered_json::array();
  for (const Step& step : steps)
    array.push_back(std::visit([](const auto& known) { return step_to_json(known); }, step));
  return json_writer::print(ordered_json{{"version", kVersion}, {"steps", std::move(array)}});
}

Result<std::vector<Step>> decode(const std::string& text) {
  // Ordered: what we do not know is written again as it was read.
  const auto whole = json_reader::parse_or_discarded<ordered_json>(text);
  const auto list = whole.is_object() ? whole.find("steps") : whole.end();
  if (!whole.is_object() || list == whole.end() || !list->is_array())
    return base::fail(ErrorCode::kCorrupt, "this is no journal of a session");
  std::vector<Step> steps;
  for (const ordered_json& object : *list)
    steps.push_back(read_step(object, static_cast<const Step*>(nullptr)));
  return steps;
}

}  // namespace reprise::session::undo
