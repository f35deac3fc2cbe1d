// SPDX-License-Identifier: Apache-2.0
#include "session/connections.h"

#include <string>

#include "base/clock.h"
#include "base/log.h"

namespace reprise::session {

using base::LogLevel;

void hold_connections(const container::HoldRequest& request,
                      const std::vector<container::Connection>& neighbours) {
  if (request.network.empty()) return;
  if (!neighbours.empty())
    if (const auto held =
            container::hold_neighbours(request.container, request.network, neighbours);
        !held)
      base::log(LogLevel::kWarn, "connections to other containers may be reset, ignoring",
                {{"error", held.error().message()}});
  const base::Stopwatch took;
  const auto held = container::hold_connections(request);
  if (!held)
    base::log(LogLevel::kWarn, "outside connections may be reset at the restart, ignoring",
              {{"error", held.error().message()}});
  else if (*held > 0)
    base::log(LogLevel::kInfo, "holding outside connections",
              {{"connections", std::to_string(*held)},
               {"duration_ms", std::to_string(took.elapsed_ms())}});
}

}  // namespace reprise::session
