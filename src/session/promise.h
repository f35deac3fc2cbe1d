// SPDX-License-Identifier: Apache-2.0
//
// The promise: whatever fails before the seal, the container runs on unharmed.
#pragma once

#include "base/result.h"
#include "catalog/catalog.h"
#include "host/layout.h"
#include "host/request.h"

#include "store/checkpoint_store.h"

namespace reprise::session {

// What must be true after any failure, whoever notices it (the session, or its guard when the
// worker was killed): thawed if the session froze it, not firewalled, no partial checkpoint, the
// signal delivered. Does as much as it can; returns the first error.
base::Result<void> restore_promise(const host::Layout& layout, const host::WorkerRequest& request,
                                   store::CheckpointStore& store);

}  // namespace reprise::session
