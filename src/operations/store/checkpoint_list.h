// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoints there are, here and at remotes, and what one holds.
#pragma once

#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "image/manifest.h"
#include "operations/node.h"
#include "operations/transfer/upload_failures.h"

namespace reprise::operations {

// Rows are newest first and have the names of their containers; what their pages take in the store
// is found out, and noted, where the catalog does not know it yet, as of imports.
struct CheckpointList {
  bool has_store = false;
  std::vector<catalog::CheckpointRow> checkpoints;
  std::vector<catalog::Copy> copies;   // where else checkpoints are
  std::vector<UploadFailure> failing;  // where they do not come to; empty where that is not known
};

// All, or those of a container and of others that had its name before. kNotFound for a container
// that nobody knows. Without a store there is nothing to list, unless a container is named.
base::Result<CheckpointList> list_checkpoints(const Node& node, const std::string& container);

struct RemoteCheckpointList {
  std::vector<catalog::CheckpointRow> checkpoints;
  std::vector<base::CheckpointId> unreadable;      // with this store's key
  std::vector<base::CheckpointId> of_unknown_tag;  // of `checkpoints`: the note there is damaged
};

// What lies there, whether it is here as well or not; `container`: its name or key; empty: any.
base::Result<RemoteCheckpointList> list_remote_checkpoints(const Node& node,
                                                           const std::string& remote,
                                                           const std::string& container);

struct CheckpointDetails {
  catalog::CheckpointRow row;
  image::Manifest manifest;
  std::vector<catalog::Copy> copies;   // of all checkpoints
  std::vector<UploadFailure> failing;  // as above
};

// As find_named_checkpoint().
base::Result<CheckpointDetails> describe_checkpoint(const Node& node,
                                                    const std::string& checkpoint);

}  // namespace reprise::operations
