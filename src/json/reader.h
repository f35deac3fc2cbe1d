// SPDX-License-Identifier: Apache-2.0
//
// JSON, read within bounds: the only place where JSON is parsed (tools/check-layers).
//
// nlohmann's own parser takes any depth, and whoever copies or prints such a value afterwards
// recurses as deep: 6 MB of brackets end the process. Texts of our own are no exception: whoever
// can write to a store, a bundle or a run directory could do it.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace reprise::json_reader {

// Far beyond any text that we read: an OCI configuration has 8.
inline constexpr std::size_t kMaxDepth = 128;

// Whether lists and objects in `text` lie deeper than that in each other. Does not recurse, and
// does not care whether the text is JSON.
[[nodiscard]] bool is_too_deep(std::string_view text);

// Whether nlohmann reads some number in `text` as a fraction: written as one, or beyond 64 bits.
// Says yes too often rather than too seldom.
[[nodiscard]] bool may_have_fractions(std::string_view text);

namespace internal {

// What nlohmann makes of a fraction when it is asked for a whole number is undefined for most of
// them. We read no fractions: as null they are refused wherever something is wanted. What is
// ordered is edited and written again, and keeps them.
template <typename Json>
Json parse(std::string_view text, typename Json::parser_callback_t watch, bool allow_exceptions) {
  if constexpr (std::is_same_v<Json, nlohmann::json>) {
    if (may_have_fractions(text))
      watch = [inner = std::move(watch)](int depth, nlohmann::json::parse_event_t event,
                                         nlohmann::json& value) {
        if (value.is_number_float()) value = nullptr;
        return !inner || inner(depth, event, value);
      };
  }
  return Json::parse(text, std::move(watch), allow_exceptions);
}

}  // namespace internal

// The value, or one that is_discarded(): `text` is not JSON, or too deep. `Json` is nlohmann's:
// json has null in place of fractions, ordered_json everything as it stands.
template <typename Json = nlohmann::json>
[[nodiscard]] Json parse_or_discarded(std::string_view text,
                                      const typename Json::parser_callback_t& watch = nullptr) {
  if (is_too_deep(text)) return Json(nlohmann::detail::value_t::discarded);
  return internal::parse<Json>(text, watch, /*allow_exceptions=*/false);
}

// The value without what lies deeper in it than `depth` lists and objects, so that a text which
// parse() refuses for its depth can be asked for what stands above; is_discarded() for what is no
// JSON. Does not recurse.
[[nodiscard]] nlohmann::json parse_top(std::string_view text, int depth);

// The value; for use where nlohmann's exceptions are caught anyway, and throws one of them
// (`json::parse_error`).
template <typename Json = nlohmann::json>
[[nodiscard]] Json parse(std::string_view text) {
  if (is_too_deep(text))
    throw Json::parse_error::create(101, 0, "lists and objects are nested too deep", nullptr);
  return internal::parse<Json>(text, nullptr, /*allow_exceptions=*/true);
}

// Empty unless `object` is one and its `field` is text.
template <typename Json>
[[nodiscard]] std::string text_in(const Json& object, const char* field) {
  if (!object.is_object()) return {};
  const auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->template get<std::string>()
                                                     : std::string();
}

// What json_writer::of_bytes() has made of some bytes. Throws `json::other_error` for anything
// else.
[[nodiscard]] std::string bytes_in(const nlohmann::json& value);

}  // namespace reprise::json_reader
