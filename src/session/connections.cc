// SPDX-License-Identifier: Apache-2.0
#include "session/connections.h"

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;

namespace {

// While CRIU's lock lies on the namespace no reset leaves it, nor is one answered that comes anew;
// and what the tasks leave in it, which CRIU has prepared for a restore, ends without a word.
Result<void> reset_outside(const network::HoldRequest& request) {
  REPRISE_PASS(network::remove_criu_locks(request.network));
  std::vector<std::string> bare;
  for (const std::string& address : request.own)
    bare.push_back(address.substr(0, address.find('/')));
  return network::reset_outside_connections(request.network, bare);
}

}  // namespace

void hold_connections(const undo::Journal& journal, const network::HoldRequest& request,
                      const std::vector<network::Connection>& neighbours, Outside outside) {
  if (request.network.empty()) return;
  const auto hold_inside = [&]() -> Result<void> {
    REPRISE_PASS(journal.write(undo::NeighboursHeld{.network = {}}));
    return network::hold_neighbours(request.container, request.network, neighbours);
  };
  if (!neighbours.empty())
    base::warn_and_ignore(hold_inside(), "connections to other containers may be reset");
  if (outside == Outside::kReset)
    return base::warn_and_ignore(reset_outside(request), "peers wait for what is gone");
  const base::Stopwatch took;
  const auto hold_outside = [&]() -> Result<std::size_t> {
    REPRISE_PASS(journal.write(undo::ConnectionsHeld()));
    return network::hold_connections(request);
  };
  const auto held = hold_outside();
  base::warn_and_ignore(held, "outside connections may be reset at the restart");
  if (held && *held > 0)
    base::log(LogLevel::kInfo, "holding outside connections",
              {{"connections", std::to_string(*held)},
               {"duration_ms", std::to_string(took.elapsed_ms())}});
}

}  // namespace reprise::session
