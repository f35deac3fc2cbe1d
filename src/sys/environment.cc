// SPDX-License-Identifier: Apache-2.0
#include "sys/environment.h"

#include <unistd.h>

namespace reprise::sys {

Environment read_environment() {
  Environment found;
  for (char** one = ::environ; one != nullptr && *one != nullptr; ++one) {
    const std::string_view text = *one;
    const std::size_t equals = text.find('=');
    // The first of several wins, as for getenv(3).
    if (equals != std::string_view::npos)
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace reprise::sys
