// SPDX-License-Identifier: Apache-2.0
//
// What uploads checkpoints when nobody waits: a process of its own, one per store.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "host/layout.h"
#include "store/store_config.h"
#include "sys/file_lock.h"

namespace reprise::operations {

// Held by the process that uploads. kBusy if there is one.
base::Result<sys::FileLock> lock_uploads(const host::Layout& layout);

// Starts 'reprise store upload' if a checkpoint lacks its copy at one of these remotes and nobody
// uploads yet; it outlives us. Returns whether it did. What it does not do now, the next session or
// command does.
base::Result<bool> start_upload(const host::Layout& layout, const store::StoreConfig& config,
                                const std::vector<std::string>& remotes);

}  // namespace reprise::operations
