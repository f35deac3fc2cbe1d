// SPDX-License-Identifier: Apache-2.0
//
// The volumes of a container that is made from a checkpoint: whether they may be filled, and which
// of them are new. Filling them is the session's: Podman writes in them too when it starts one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/volumes.h"
#include "operations/container/clone_command.h"
#include "podman/container_info.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

// kUnsupported if the new container has no volume where the checkpoint has one; kInvalidInput if it
// would share one with the original beside it; kBusy, with a hint, if a volume holds something else
// and may not be overwritten. Reads volumes that are not empty.
Result<void> check_volumes(store::CheckpointReader& reader, const podman::ContainerInfo& info,
                           const CloneCommand& command, VolumeWish wish,
                           const std::vector<container::SavedVolume>& saved);

// Names of the volumes of `info` that are not among `before`.
std::vector<std::string> new_volumes(const podman::ContainerInfo& info,
                                     const std::set<std::string>& before);

}  // namespace reprise::operations
