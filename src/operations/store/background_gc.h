// SPDX-License-Identifier: Apache-2.0
//
// What frees space in the store when nobody asks: a process of its own, one per store.
#pragma once

#include "base/result.h"
#include "host/layout.h"
#include "store/store.h"
#include "store/store_config.h"

namespace reprise::operations {

// Starts 'reprise store gc --background' if that is worth it (store/waste.h) and none runs yet; it
// outlives us. Returns whether it did.
base::Result<bool> start_gc(const host::Layout& layout, store::Store& store);

// What that process does, at the lowest priority: nothing if another one does it already.
base::Result<void> run_background_gc(const host::Layout& layout, const store::StoreConfig& config);

}  // namespace reprise::operations
