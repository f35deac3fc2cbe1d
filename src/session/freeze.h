// SPDX-License-Identifier: Apache-2.0
//
// A container that a session froze, and not a person who paused it.
#pragma once

#include "base/result.h"
#include "host/layout.h"
#include "host/request.h"

namespace reprise::session {

// To be called by a session that has seen that the container is not frozen, before it freezes it.
base::Result<void> note_freeze(const host::Layout& layout, const host::WorkerRequest& request);

// Lets the container's tasks run, as far as its cgroup keeps them from it. Only after
// note_freeze(): a container that a person has paused stays paused.
base::Result<void> thaw(const host::Layout& layout, const host::WorkerRequest& request);

}  // namespace reprise::session
