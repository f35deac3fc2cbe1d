// SPDX-License-Identifier: Apache-2.0
//
// Which old addresses a restored container still has on lo, for as long as its sockets use them.
// Nobody watches them; whoever comes by next (`exec` of the runtime, the next checkpoint) gives up
// those that are not used any more.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "network/network.h"

namespace reprise::network {

// Beside the network's baseline of the same container.
std::filesystem::path adopted_note_of(const std::filesystem::path& baseline);

// Writes `file`; without addresses removes it.
base::Result<void> note_adopted(const std::filesystem::path& file, const NetworkNamespace& ns,
                                const std::vector<std::string>& addresses);

// Gives up those in `file` that no socket uses, and forgets them. Costs a look for the file where
// there is none.
base::Result<void> release_noted(const std::filesystem::path& file);

}  // namespace reprise::network
