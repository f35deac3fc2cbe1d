// SPDX-License-Identifier: Apache-2.0
//
// Connections that outlive a container's tasks.
#pragma once

#include <vector>

#include "network/connection_hold.h"
#include "session/undo/journal.h"

namespace reprise::session {

// Whether peers outside are to find the container again, or are told at once that it is gone: a
// pod's replacement has another address.
enum class Outside : bool { kReset, kHold };

// Keeps peers, those outside (or resets their connections) and `neighbours` in the same network
// namespace, from learning that the container's tasks end. To be called before they do, since
// CRIU's lock keeps the peers away only as long as the namespace lives. What fails costs
// connections and is logged.
void hold_connections(const undo::Journal& journal, const network::HoldRequest& request,
                      const std::vector<network::Connection>& neighbours, Outside outside);

}  // namespace reprise::session
