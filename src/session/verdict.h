// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's script says when session and guard are gone.
#pragma once

#include "base/id.h"
#include "host/layout.h"
#include "store/store_config.h"

namespace reprise::session {

// The answer to CRIU's hook when nobody is left to ask: only what is sealed may end. Asks for as
// long as that is unknown and a freeze may last; then the tasks run on, disowned as settle() says.
bool may_end_without_session(const host::Layout& layout, const store::StoreConfig& config,
                             const base::SessionId& session);

}  // namespace reprise::session
