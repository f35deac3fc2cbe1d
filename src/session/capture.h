// SPDX-License-Identifier: Apache-2.0
//
// What a checkpoint holds besides CRIU's images, read while all tasks stand still.
#pragma once

#include "base/result.h"
#include "container/runc_state.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Keeps which threads are bound to certain CPUs. No part is written where none is.
base::Result<void> capture_affinity(store::CheckpointWriter& writer,
                                    const container::RuncState& state);

}  // namespace reprise::session
