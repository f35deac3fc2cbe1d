// SPDX-License-Identifier: Apache-2.0
//
// How a container's network namespace was before its program began: what tells that from what the
// program set up (network_setup.h). Kept in a file for as long as the container lives.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/network_setup.h"

namespace reprise::network {

// Pure: how it probably was, where nobody noted it (the container is older than this version): the
// links that lead out of it with their addresses, and what Podman's network tool says that it made.
NetworkSetup presumed_baseline(const NetworkSetup& now);

// Writes `file`; `adopted`: addresses ("10.88.0.5/16") that are about to be put on lo by us.
base::Result<void> note_baseline(const std::filesystem::path& file, const NetworkSetup& before,
                                 const std::vector<std::string>& adopted = {});

struct NetworkComparison {
  NetworkSetup before;
  NetworkChange change;
};
// Of `ns`, with `file`, or with what is presumed if there is none.
base::Result<NetworkComparison> compare_with_baseline(const NetworkNamespace& ns,
                                                      const std::filesystem::path& file);

}  // namespace reprise::network
