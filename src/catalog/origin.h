// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoints nobody else had in hands. It is noted in the catalog, goes with the
// checkpoint's row, and never comes from a manifest: who has the key can write one.
#pragma once

#include <filesystem>

#include "base/id.h"
#include "base/result.h"

namespace reprise::catalog {

// A session of this store made it, or one of another node of the cluster, from which this node's
// agent fetched it itself. Success, and nothing noted, if the catalog has no such
// checkpoint.
base::Result<void> note_made_here(const std::filesystem::path& root,
                                  const base::CheckpointId& checkpoint);
// False if it was not noted, which is so for what was imported, pulled by people, or added again
// from its manifest (`store repair`).
base::Result<bool> is_made_here(const std::filesystem::path& root,
                                const base::CheckpointId& checkpoint);

}  // namespace reprise::catalog
