// SPDX-License-Identifier: Apache-2.0
#include "json/reader.h"

namespace reprise::json_reader {

bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (in_string) {
      if (letter == '\\') ++i;  // whatever follows, it does not end the string
      in_string = letter != '"';
      continue;
    }
    in_string = letter == '"';
    if (letter == '[' || letter == '{') ++depth;
    if (depth > kMaxDepth) return true;
    if ((letter == ']' || letter == '}') && depth > 0) --depth;
  }
  return false;
}

}  // namespace reprise::json_reader
