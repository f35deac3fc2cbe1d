// SPDX-License-Identifier: Apache-2.0
//
// Removes checkpoints that a policy does not keep (retention.h).
#pragma once

#include <optional>
#include <vector>

#include "catalog/retention.h"
#include "store/store.h"

namespace reprise::store {

struct PruneOptions {
  // Look at this container and those that had its name before alone, unless the policy has a
  // maximum for the whole store.
  std::optional<base::ContainerKey> only;
  bool dry_run = false;  // decide, remove nothing
};

// Removes a checkpoint from catalog and store, unless somebody has pinned or tagged it or continues
// from it (by now): then it stays, and false is returned. kBusy if somebody still reads from it
// (CheckpointStore::hold()).
Result<bool> remove_unneeded(catalog::Catalog& catalog, CheckpointStore& checkpoints,
                             const base::CheckpointId& id);

// Returns what was decided, less what meanwhile turned out to be needed (pinned, taken up by a
// start, or read from). Space becomes free with CheckpointStore::collect(). With a maximum:
// kCorrupt if a checkpoint cannot be read. An error in the middle leaves the rest for the next
// time.
Result<catalog::Decision> prune(Store& store, const catalog::Retention& policy,
                                const PruneOptions& options);

}  // namespace reprise::store
