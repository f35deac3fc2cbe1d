// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "config/internal/readable_toml.h"

namespace reprise::config {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kBlanks = " \t";

bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) > 0x7f; }

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r'; }

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '"' || c == '\'';
}

std::string_view without_blanks(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line;
}

bool is_header_without_name(std::string_view line) {
  line = without_blanks(line);
  if (!line.starts_with('[')) return false;
  line = without_blanks(line.substr(line.starts_with("[[") ? 2 : 1));
  return line.empty() || !begins_name(line.front());
}

// A text stands where a name or a value does: behind anything else toml++ takes the quote for a
// character like others, and reads on with what we would take for the text.
bool may_begin_text(std::string_view before) {
  const std::size_t last = before.find_last_not_of(kBlanks);
  if (last == std::string_view::npos) return true;
  if (!std::string_view("=[,{.").contains(before[last])) return false;
  // A second '=' belongs to a value that is none.
  const std::size_t names = before.find_last_of("{,");
  const std::string_view pair = before.substr(names == std::string_view::npos ? 0 : names + 1);
  return before[last] != '=' || std::ranges::count(pair, '=') == 1;
}

// Without what stands in quotes, and without a comment.
std::string outside_of_texts(std::string_view line) {
  std::string outside;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '#') break;
    if ((c == '"' || c == '\'') && may_begin_text(outside)) quote = c;
    outside += c;
  }
  return outside;
}

}  // namespace

Result<void> check_readable(std::string_view text) {
  constexpr std::ptrdiff_t kMostDots = 16;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (is_header_without_name(line))
      return fail(ErrorCode::kInvalidInput,
                  "line " + std::to_string(number) + ": there is no name behind '['");
    const std::string outside = outside_of_texts(line);
    if (std::ranges::any_of(outside, is_control))
      return fail(ErrorCode::kInvalidInput,
                  "line " + std::to_string(number) + ": a control character stands there");
    if (std::ranges::any_of(outside, is_beyond_ascii))
      return fail(ErrorCode::kInvalidInput,
                  "line " + std::to_string(number) + ": letters beyond ASCII stand in quotes only");
    if (std::ranges::count(outside, '.') > kMostDots)
      return fail(ErrorCode::kInvalidInput,
                  "line " + std::to_string(number) + ": too many names within names");
  }
  return {};
}

}  // namespace reprise::config
