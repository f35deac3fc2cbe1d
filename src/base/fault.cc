// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace reprise::base {

#ifdef REPRISE_FAULTS
namespace {

// Takes the text up to `separator` off `rest`.
std::string_view take_word(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

}  // namespace

Result<void> fault_point(std::string_view point) {
  const char* setting = std::getenv("REPRISE_FAULT");  // NOLINT(concurrency-mt-unsafe)
  if (setting == nullptr) return {};
  std::string_view faults(setting);
  while (!faults.empty()) {
    std::string_view fault = take_word(faults, ',');
    if (take_word(fault, ':') != point) continue;
    const std::string_view action = take_word(fault, ':');
    if (!fault.empty() && std::remove(std::string(fault).c_str()) != 0) continue;
    if (action == "kill") std::raise(SIGKILL);
    if (action != "stop")
      return fail(ErrorCode::kInternal, "fault point '" + std::string(point) + "'");
    std::raise(SIGSTOP);
  }
  return {};
}
#else
Result<void> fault_point(std::string_view /*point*/) { return {}; }
#endif

}  // namespace reprise::base
