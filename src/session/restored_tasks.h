// SPDX-License-Identifier: Apache-2.0
//
// What restored tasks get that CRIU does not restore, while it holds them.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "engine/engine.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The tasks exist and wait. `init` is the first of them. After an error the restore must not go on.
base::Result<void> complete_tasks(store::CheckpointReader& reader, const oci::Spec& spec,
                                  const Context& context, engine::Restore& restore, pid_t init);

}  // namespace reprise::session
