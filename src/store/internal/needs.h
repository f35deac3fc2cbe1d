// SPDX-License-Identifier: Apache-2.0
//
// Which packs sealed checkpoints need. Read from their files, each once: the index remembers.
#pragma once

#include <vector>

#include "pages/page_index.h"
#include "store/checkpoint_store.h"
#include "store/open_store.h"

namespace reprise::store {

// Of each checkpoint that there is, sorted by id. kCorrupt if one cannot be read.
Result<std::vector<CheckpointNeeds>> needs_of_all(const OpenStore& store, pages::PageIndex& index);

}  // namespace reprise::store
