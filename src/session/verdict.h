// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's script says when session and guard are gone.
#pragma once

#include <chrono>

#include "base/id.h"
#include "host/layout.h"
#include "oci/annotations.h"
#include "store/store_config.h"

namespace reprise::session {

// The answer to CRIU's hook when nobody is left to ask: only what is sealed may end. Asks for as
// long as that is unknown and `patience`, for which a freeze may last, is not over; then the tasks
// run on, disowned as settle() says.
bool may_end_without_session(const host::Layout& layout, const store::StoreConfig& config,
                             const base::SessionId& session,
                             std::chrono::milliseconds patience = oci::Wishes().freeze_limit);

}  // namespace reprise::session
