// SPDX-License-Identifier: Apache-2.0
//
// The remote of the cluster's nodes, to which what was saved goes besides: a section of each node's
// configuration, and the credentials.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "crypto/secret_text.h"

namespace reprise::install {

// Its name on all nodes: Checkpoints tell it.
inline constexpr const char* kNodeRemote = "cluster";

struct NodeRemote {
  std::string url;  // empty: there is none
  std::string endpoint, region;
  // Entries of the Secret: `access-key`, `secret-key`; and if they are there `session-token`,
  // `ca.crt`.
  std::map<std::string, crypto::SecretText> secret;
};

// What lies in a directory in which a Secret is mounted. Entries of other names are left out.
base::Result<std::map<std::string, crypto::SecretText>> read_remote_secret(
    const std::filesystem::path& directory);

// kInvalidInput, with a hint, for a URL or an endpoint that no remote can have.
base::Result<void> check_place(const NodeRemote& remote);

// Writes `settings`/reprise.toml and, below `settings`/remote, for root alone, what it names. A
// reprise.toml that we did not write is the administrator's: it stays, and returns false. Without a
// remote, takes away what an earlier call has laid. kInvalidInput where credentials lack,
// and as check_place().
base::Result<bool> lay_remote(const NodeRemote& remote, const std::filesystem::path& settings);

}  // namespace reprise::install
