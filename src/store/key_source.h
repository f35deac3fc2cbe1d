// SPDX-License-Identifier: Apache-2.0
//
// Which key a store is opened with.
#pragma once

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
// one wins.
Result<crypto::Secret> load_or_create_key(const std::filesystem::path& root);

}  // namespace reprise::store
