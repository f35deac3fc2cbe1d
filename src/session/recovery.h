// SPDX-License-Identifier: Apache-2.0
//
// Sessions of which no process is left: the OOM killer may take the worker and its guard, or the
// host may lose power. Whoever comes next settles them.
#pragma once

#include <optional>

#include "base/result.h"
#include "host/layout.h"
#include "host/request.h"
#include "store/store_config.h"
#include "sys/file_lock.h"

namespace reprise::session {

// Notes in the session's run directory what is needed to settle it, and takes the lock that tells
// others that somebody cares for it: hold it, and let only processes of the session inherit it.
// The directory is removed when the session has its outcome.
base::Result<sys::FileLock> note_session(const host::Layout& layout,
                                         const host::WorkerRequest& request);

// What note_session() noted. An error also for what another version of Reprise noted.
base::Result<host::WorkerRequest> load_request(const host::Layout& layout,
                                               const base::SessionId& session);

// Settles (settlement.h) all sessions of this host that nobody cares for any more; blocks while
// runc and CRIU of theirs end, some seconds at most. Sessions of containers whose lock somebody
// else holds are left for later, except `ours`, whose container's lock the caller holds. Returns
// how many were settled. Costs a look into one directory if there are none.
//
// One that cannot be settled keeps no other from it; the first error is returned at the end, and
// the next call tries again. If nobody knows what a session was (its note cannot be read, and the
// catalog never heard of it), its directory is put aside, below RUN/set-aside.
base::Result<int> settle_abandoned(const host::Layout& layout, const store::StoreConfig& config,
                                   const std::optional<base::SessionId>& ours = std::nullopt);

}  // namespace reprise::session
