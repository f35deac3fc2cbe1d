// SPDX-License-Identifier: Apache-2.0
//
// Reading what is stored, and proving that it is what was written.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

// One checkpoint, as find_named_checkpoint(). kCorrupt for one that is damaged.
base::Result<catalog::CheckpointRow> verify_checkpoint(const Node& node,
                                                       const std::string& checkpoint);

// Everything: names each damaged checkpoint with its pack and goes on; a damaged catalog, and what
// catalog and store do not both have, are damages as well.
base::Result<store::Verified> verify_store(const Node& node, Progress& progress);

}  // namespace reprise::operations
