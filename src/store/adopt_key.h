// SPDX-License-Identifier: Apache-2.0
//
// A store that takes over the key of another one.
#pragma once

#include "store/open_store.h"

namespace reprise::store {

// Takes over the tenant's keys in `key_file`, the text of another store's. kBusy if this store has
// checkpoints or somebody writes one. kDenied if another key-encryption key wrapped them.
Result<void> adopt_key(const OpenStore& store, const std::string& key_file);

// Lets an empty store, whose key-encryption key is another one by now, have new keys: those that it
// has seal nothing. Returns whether it was empty: without checkpoints and packs, and without
// anybody who writes one.
Result<bool> drop_keys_of_empty(const StoreConfig& config);

// For a writer that has its staging place: whether the key is still the one that the store was
// opened with. kBusy if it was taken over from elsewhere since.
Result<void> check_key(const OpenStore& store);

}  // namespace reprise::store
