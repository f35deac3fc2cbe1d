// SPDX-License-Identifier: Apache-2.0
//
// The keys that a store is opened with, and how they are exchanged for others.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keys.h"
#include "store/store_config.h"

namespace reprise::store {

using base::Result;

// The key that `store` names. A file that is not there is made, once: of several processes that do
// so one wins. kDenied if the store has keys or checkpoints: they need the file that is gone.
Result<crypto::Secret> load_or_create_key(const StoreConfig& store);

// The keys of its tenant, which are made the first time; kDenied if they are gone from a store that
// has checkpoints (the message names the file, the hint is the remedy). Where the key is in a file,
// that of a rotation opens them as well, so that there is no moment in which they cannot be opened,
// whenever a rotation was killed; and so do the keys in the directory FILE.d. Else as
// crypto::open_tenant().
Result<crypto::TenantKeys> open_keys(const StoreConfig& store);

// The ids (crypto::key_id) of the keys with which open_keys_of_elsewhere() opens: the store's own
// key-encryption key first. Makes none: kNotFound where there is no own key yet.
Result<std::vector<std::string>> key_ids(const StoreConfig& store);

// Why files beside the store's own key (FILE.d) cannot be used, such as one that others may read:
// each error names file and remedy. What needs one of their keys says so, too.
Result<std::vector<base::Error>> unreadable_keys(const StoreConfig& store);

// The keys in `key_file`, the text of one of another store, by the store's own key-encryption key
// or one of FILE.d. kDenied if none opens it; the hint is the remedy. kCorrupt, kUnsupported.
Result<crypto::TenantKeys> open_keys_of_elsewhere(const StoreConfig& store,
                                                  std::string_view key_file);

// Wraps all tenants' keys with the key in `file`, which is made if it is not there: a key of the
// administrator's, or that of a rotation that was interrupted, which this one ends. Without `file`:
// with a new one, which takes the place of the file in which the key is now; kInvalidInput if it is
// in none. Returns the file that opens the store now. After an error or a kill the store opens as
// before, or with that file, and the same call goes on.
Result<std::filesystem::path> rotate_key(const StoreConfig& store,
                                         const std::optional<std::filesystem::path>& file);

}  // namespace reprise::store
