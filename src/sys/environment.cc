// SPDX-License-Identifier: Apache-2.0
#include "sys/environment.h"

#include <unistd.h>

#include <cstdlib>

#include "sys/files.h"

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

void prefer_own_programs() {
  const auto here = executable_directory();
  if (!here || ::access((*here / "programs").c_str(), X_OK) != 0) return;
  const std::string own = (*here / "programs").string();
  const std::string path = variable(read_environment(), "PATH");
  if (path == own || path.starts_with(own + ":")) return;  // we were started by one of us
  // Without any the system's are searched, which a PATH of ours alone would hide.
  const std::string rest =
      path.empty() ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : path;
  ::setenv("PATH", (own + ":" + rest).c_str(), 1);
}

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace reprise::sys
