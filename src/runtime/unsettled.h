// SPDX-License-Identifier: Apache-2.0
//
// Sessions that were cut off together with whoever was to settle them.
#pragma once

#include "base/id.h"
#include "base/result.h"
#include "host/identity.h"
#include "runtime/call.h"

namespace reprise::runtime {

// kBusy as long as a session of the container is not settled, also by another try: what it did
// would be undone later, under whatever the container is by then. The caller holds the container's
// lock.
base::Result<void> settle_sessions_of(const Call& call, const host::Identity& who);

// The same of one session, which nobody tries to settle here; blocks for two seconds at most.
base::Result<void> check_settled(const Call& call, const base::SessionId& session);

}  // namespace reprise::runtime
