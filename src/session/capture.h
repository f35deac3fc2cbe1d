// SPDX-License-Identifier: Apache-2.0
//
// What a checkpoint holds besides CRIU's images, copied while all tasks stand still: each
// millisecond here is freeze time.
#pragma once

#include "base/result.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Changes of the root file system, /dev/shm, System V shared memory, and the volumes, where they
// are to be part of it.
base::Result<void> capture_files(store::CheckpointWriter& writer, const oci::Spec& spec,
                                 const oci::Wishes& wishes, const oci::State& state);

// Keeps which threads are bound to certain CPUs. No part is written where none is.
base::Result<void> capture_affinity(store::CheckpointWriter& writer, const oci::State& state);

}  // namespace reprise::session
