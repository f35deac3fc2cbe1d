// SPDX-License-Identifier: Apache-2.0
#include "session/fault.h"

#include <csignal>
#include <cstdlib>
#include <string>

namespace reprise::session {

base::Result<void> fault_point(std::string_view point) {
  const char* setting = std::getenv("REPRISE_FAULT");  // NOLINT(concurrency-mt-unsafe)
  if (setting == nullptr) return {};
  const std::string_view text(setting);
  const std::size_t colon = text.find(':');
  if (text.substr(0, colon) != point) return {};
  if (colon != std::string_view::npos && text.substr(colon + 1) == "kill") std::raise(SIGKILL);
  return base::fail(base::ErrorCode::kInternal, "fault point '" + std::string(point) + "'");
}

}  // namespace reprise::session
