// SPDX-License-Identifier: Apache-2.0
//
// Which key a store is opened with, and how it is exchanged for another.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "crypto/keys.h"

namespace reprise::store {

using base::Result;

inline constexpr const char* kDefaultStore = "/var/lib/reprise";
inline constexpr const char* kDefaultKeyFile = "/etc/reprise/store.key";

// REPRISE_KEY_FILE (a path), REPRISE_KEY (the key itself), REPRISE_KEY_VARIABLE (the name of
// another variable that holds it) or REPRISE_KEY_COMMAND (what prints it), in this order; else
// kDefaultKeyFile, or for a store elsewhere than at kDefaultStore the file `store.key` in it.
crypto::KeySource key_source(const std::filesystem::path& root);

// The key of key_source(). A file that is not there is made, once: of several processes that do so
// one wins. kDenied if the store has keys or checkpoints: they need the file that is gone.
Result<crypto::Secret> load_or_create_key(const std::filesystem::path& root);

// The keys of `tenant`, which are made the first time; kDenied if they are gone from a store that
// has checkpoints (the message names the file, the hint is the remedy). Where the key is in a file,
// that of a rotation opens them as well, so that there is no moment in which they cannot be opened,
// whenever a rotation was killed; and so do the keys in the directory FILE.d. Else as
// crypto::open_tenant().
Result<crypto::TenantKeys> open_keys(const std::filesystem::path& root, std::string_view tenant);

// The keys in `key_file`, the text of one of another store, by the store's own key-encryption key
// or one of FILE.d. kDenied if none opens it; the hint is the remedy. kCorrupt, kUnsupported.
Result<crypto::TenantKeys> open_keys_of_elsewhere(const std::filesystem::path& root,
                                                  std::string_view tenant,
                                                  std::string_view key_file);

// Wraps all tenants' keys with the key in `file`, which is made if it is not there: a key of the
// administrator's, or that of a rotation that was interrupted, which this one ends. Without `file`:
// with a new one, which takes the place of the file in which the key is now; kInvalidInput if it is
// in none. Returns the file that opens the store now. After an error or a kill the store opens as
// before, or with that file, and the same call goes on.
Result<std::filesystem::path> rotate_key(const std::filesystem::path& root,
                                         const std::optional<std::filesystem::path>& file);

}  // namespace reprise::store
