// SPDX-License-Identifier: Apache-2.0
#include "session/connections.h"

#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"

namespace reprise::session {

using base::LogLevel;

void hold_connections(const network::HoldRequest& request,
                      const std::vector<network::Connection>& neighbours) {
  if (request.network.empty()) return;
  if (!neighbours.empty())
    base::warn_and_ignore(network::hold_neighbours(request.container, request.network, neighbours),
                          "connections to other containers may be reset");
  const base::Stopwatch took;
  const auto held = network::hold_connections(request);
  base::warn_and_ignore(held, "outside connections may be reset at the restart");
  if (held && *held > 0)
    base::log(LogLevel::kInfo, "holding outside connections",
              {{"connections", std::to_string(*held)},
               {"duration_ms", std::to_string(took.elapsed_ms())}});
}

}  // namespace reprise::session
