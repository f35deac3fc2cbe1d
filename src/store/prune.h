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

// Returns what was decided, less what meanwhile turned out to be needed (pinned, or taken up by a
// start). Space becomes free with CheckpointStore::collect(). With a maximum: kCorrupt if a
// checkpoint cannot be read. An error in the middle leaves the rest for the next time.
Result<catalog::Decision> prune(Store& store, const catalog::Retention& policy,
                                const PruneOptions& options);

}  // namespace reprise::store
