// SPDX-License-Identifier: Apache-2.0
//
// Why a container has no checkpoint to go on from: what people ask after a cold start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "podman/container_info.h"

namespace reprise::operations {

struct NoCheckpoint {
  std::string reason;  // never empty
  std::string hint;  // how its newest checkpoint is taken up all the same, or the failure's remedy
};

// What is known of the last life of a container that does not run.
struct LastLife {
  std::vector<catalog::LifeRow> lives;              // oldest first
  std::optional<catalog::SessionRow> failed;        // the newest checkpoint session that failed
  std::vector<catalog::CheckpointRow> checkpoints;  // newest first
};

// Pure. `info` as Podman tells before the container is started again.
NoCheckpoint explain(const LastLife& last, const podman::ContainerInfo& info);

// The same, of what the catalog knows.
base::Result<NoCheckpoint> why_no_checkpoint(catalog::Catalog& catalog,
                                             const podman::ContainerInfo& info);

}  // namespace reprise::operations
