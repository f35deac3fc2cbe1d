// SPDX-License-Identifier: Apache-2.0
//
// Volumes and directories of the host that a container made from a checkpoint would write to, and
// that are not in the checkpoint: what its memory knows of them may not be true any more.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "container/volumes.h"
#include "podman/container_info.h"

namespace reprise::operations {

// kBusy, with a hint, if a container that runs writes to one of them as well (two databases on one
// directory), or if they were written to since: the container went on after the checkpoint. `info`:
// the new container, which is not started yet. `saved`: volumes that the checkpoint holds.
base::Result<void> check_shared_files(catalog::Catalog& catalog,
                                      const catalog::CheckpointRow& checkpoint,
                                      const podman::ContainerInfo& info,
                                      const std::vector<container::SavedVolume>& saved);

// Whether one of these directories is the other, or lies in it. Pure.
bool overlap(const std::string& one, const std::string& other);

}  // namespace reprise::operations
