// SPDX-License-Identifier: Apache-2.0
//
// What is left of a container whose `runc restore` was killed on the way.
#pragma once

#include "base/id.h"
#include "base/result.h"
#include "oci/runtime.h"

namespace reprise::engine {

// Ends its tasks, and makes runc forget it, so that it can be created again: what runc mounts for
// CRIU, and a directory that has no state yet, are more than `runc delete` removes. Also for a
// container that was restored as a whole, or not at all. Nothing of its CRIU may be running.
base::Result<void> remove_half_restored(const oci::Runtime& runtime, const base::ContainerId& id);

}  // namespace reprise::engine
