// SPDX-License-Identifier: Apache-2.0
//
// Frees at a remote what no checkpoint there needs. docs/design/0003-store.md says why pushes may
// go on meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "remote/object_store.h"
#include "store/store_config.h"

namespace reprise::transfer {

using base::Result;

struct RemoteGcOptions {
  // Younger packs stay, by the clock of the remote: those of pushes that were interrupted, and go
  // on where they were.
  std::chrono::milliseconds grace = std::chrono::hours(24);
  bool dry_run = false;  // look, remove nothing
};

struct RemoteCollected {
  std::uint64_t packs = 0;  // that were removed, or would be
  std::uint64_t bytes = 0;
  std::uint64_t young = 0;       // packs that nothing needs, kept for being young
  std::uint64_t busy = 0;        // packs that only pushes need that run now
  std::uint64_t left = 0;        // packs for the next gc, since this one took too long
  std::uint64_t unfinished = 0;  // transfers given up: older than the grace, and than a day
};

// Pushes from any number of nodes and other gcs may run at the same time; a push that needs what is
// about to be removed fails with kBusy. kDenied or kCorrupt if a checkpoint there cannot be read,
// naming those: then nothing is removed, since who knows what they need. kUnsupported for a peer,
// kInvalidInput for the directory of a store.
// After an error, or a kill at any moment, every checkpoint there is whole.
Result<RemoteCollected> collect_remote(const store::StoreConfig& config, remote::ObjectStore& at,
                                       const RemoteGcOptions& options);

}  // namespace reprise::transfer
