// SPDX-License-Identifier: Apache-2.0
//
// The key of the nodes' stores, which is one for the whole cluster: a node opens what another has
// saved only with the same. It is kept in a Secret.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "crypto/secret_text.h"
#include "kube/client.h"

namespace reprise::install {

// The text in entry `key` of Secret `name` of our namespace; makes one with a new key if there is
// none. Of several nodes that do so at once one wins, and all get the same.
base::Result<crypto::SecretText> cluster_key(kube::Client& client, const std::string& name);

// Writes it to `file`, if that is not there, and notes that it is not this node's alone
// (crypto::note_given_key()). kDenied: there is another key, with which this node
// has sealed its checkpoints; nothing is changed.
base::Result<void> lay_key(const crypto::SecretText& key, const std::filesystem::path& file);

}  // namespace reprise::install
