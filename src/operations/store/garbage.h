// SPDX-License-Identifier: Apache-2.0
//
// Freeing what no checkpoint needs, here or at a remote.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "operations/node.h"
#include "store/checkpoint_store.h"
#include "transfer/remote_gc.h"

namespace reprise::operations {

// For the gc of a session that has just ended.
inline constexpr std::chrono::seconds kGcPatience{30};

enum class Compaction : unsigned char {
  kNone,
  kFirst,  // what is needed out of packs of which little is moves into new ones
};

struct Freed {
  std::optional<store::Compacted> compacted;
  base::Result<store::Collected> collected;  // may fail when packs were compacted already
};

// Sessions may run meanwhile. Looking makes no store, and one of a newer version is left alone.
base::Result<Freed> free_garbage(const Node& node, Compaction compaction);

// Errors as open_to_change() and transfer::collect_remote().
base::Result<transfer::RemoteCollected> free_remote_garbage(
    const Node& node, const std::string& remote, const transfer::RemoteGcOptions& options);

}  // namespace reprise::operations
