// SPDX-License-Identifier: Apache-2.0
//
// A pod's emptyDirs: they are gone with the pod, so each checkpoint of one of its containers has
// those that the container mounts, and the pod that takes its place gets them back: each once,
// before the first of its containers that goes on and mounts it runs.
#pragma once

#include <vector>

#include "base/result.h"
#include "container/volumes.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The container's tasks stand still; other containers of the pod may write. Adds to `saved`.
base::Result<void> capture_empty_directories(store::CheckpointWriter& writer, const oci::Spec& spec,
                                             std::vector<container::SavedVolume>& saved);

// Replaces what lies in them (init containers run anew before) by what they had held, from the copy
// of that container of the pod which stood still last. Those that have it already are left alone,
// whoever filled them. kUnsupported, with a hint, where a container of the pod that began anew
// works in one: nothing is laid over its files. A restore that fails later puts back what was in
// them, unless another container goes on from them by then.
base::Result<void> fill_empty_directories(Context& context, store::CheckpointReader& reader,
                                          const oci::Spec& spec);

}  // namespace reprise::session
