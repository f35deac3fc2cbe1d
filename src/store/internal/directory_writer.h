// SPDX-License-Identifier: Apache-2.0
//
// Writes one checkpoint of the directory store.
#pragma once

#include <memory>

#include "store/checkpoint_store.h"
#include "store/internal/store_layout.h"

namespace reprise::store {

// Makes the staging directory of a checkpoint with a fresh id, and the writer that owns it.
Result<std::unique_ptr<CheckpointWriter>> begin_directory_checkpoint(const StoreLayout& layout);

}  // namespace reprise::store
