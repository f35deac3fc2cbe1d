// SPDX-License-Identifier: Apache-2.0
//
// Which store, whose part of it, and with which key: what everything that opens one is told.
#pragma once

#include <filesystem>
#include <string>

#include "crypto/keys.h"

namespace reprise::store {

inline constexpr const char* kDefaultStore = "/var/lib/reprise";
inline constexpr const char* kDefaultKeyFile = "/etc/reprise/store.key";
// There is one tenant on a single machine.
inline constexpr const char* kTenant = "default";

// A value: several of them, with other roots, tenants or keys, work side by side in one process.
struct StoreConfig {
  std::filesystem::path root;
  crypto::KeySource key;  // the key-encryption key; a file that is not there is made
  std::string tenant = kTenant;

  // With the key where it is unless somebody says otherwise: kDefaultKeyFile, or for a store
  // elsewhere than at kDefaultStore the file `store.key` in it.
  static StoreConfig at(const std::filesystem::path& root);
};

}  // namespace reprise::store
