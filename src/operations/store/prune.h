// SPDX-License-Identifier: Apache-2.0
//
// Removing checkpoints that newer ones have superseded, here or at a remote.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/retention.h"
#include "config/config.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

struct PruneRequest {
  config::Retention wanted;  // what is not set is the configuration's
  bool requested = false;    // also those that somebody asked for or imported
  bool dry_run = false;      // decide, remove nothing
};

struct Pruned {
  catalog::Decision decision;
  store::Collected freed;  // nothing in a dry run, and at a remote, where packs stay until a gc
  std::string remote;      // its name
};

// What waits for containers that Podman does not have any more is let go first.
base::Result<Pruned> prune(const Node& node, const PruneRequest& request, Progress& progress);

// Removes checkpoints that this store pushed there and that are not to be kept; those stay that are
// tagged, there or here, and those that are pinned or continued from here. The maximum of the
// configuration is for the store here. kUnsupported for one that is asked for.
base::Result<Pruned> prune_remote(const Node& node, const std::string& remote,
                                  const PruneRequest& request);

}  // namespace reprise::operations
