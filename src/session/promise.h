// SPDX-License-Identifier: Apache-2.0
//
// The promise: whatever fails before the seal, the container runs on unharmed.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "catalog/catalog.h"
#include "host/layout.h"
#include "host/request.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Where the container's network namespace can be entered. Only for specs that have one.
std::filesystem::path network_of(const oci::Spec& spec, const oci::State& state);

// Sends the signal that the request promised (none if it is 0) through runc, unless the session
// has sent it already.
base::Result<void> deliver_signal(const host::Layout& layout, const host::WorkerRequest& request);

// To be called by a session that has seen that the container is not frozen, before it freezes it.
base::Result<void> note_freeze(const host::Layout& layout, const host::WorkerRequest& request);

// Lets the container's tasks run, as far as its cgroup keeps them from it. Only after
// note_freeze(): a container that a person has paused stays paused.
base::Result<void> thaw(const host::Layout& layout, const host::WorkerRequest& request);

// Its tasks run, or are about to, though what was sealed may go on: from now on nothing older is
// gone on from by itself. Noted in the bundle first, since the catalog (null: not asked) may be
// what cannot be reached. Logs what cannot be noted.
void disown(const host::Layout& layout, const host::WorkerRequest& request,
            catalog::Catalog* catalog);

// What must be true after any failure, whoever notices it (the session, or its guard when the
// worker was killed): thawed if the session froze it, not firewalled, no partial checkpoint, the
// signal delivered. Does as much as it can; returns the first error.
base::Result<void> restore_promise(const host::Layout& layout, const host::WorkerRequest& request,
                                   store::CheckpointStore& store);

}  // namespace reprise::session
