// SPDX-License-Identifier: Apache-2.0
//
// What the store takes for nothing, and how it gets rid of that when nobody asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "base/id.h"
#include "store/store.h"

namespace reprise::store {

// Bytes of packs.
struct Waste {
  std::uint64_t all = 0;
  std::uint64_t unneeded = 0;  // of packs that no checkpoint needs
  // Of packs that compaction would rewrite: what of them nobody needs. Estimated, since which
  // blocks checkpoints share stands in their files only: those of one container need of a pack what
  // the one of them does that needs most (an older one's blocks include those that a newer one
  // still has), those of several containers have nothing in common.
  std::uint64_t sparse = 0;
};

// Ids of checkpoints to their containers' keys; one that is not there counts as a container.
using Owners = std::map<std::string, std::string>;
Waste waste_of(const StoreNeeds& needs, const Owners& owners);

// Whether so much would become free that it is worth a process of its own.
bool is_worth_collecting(const Waste& waste);
bool is_worth_compacting(const Waste& waste);

// As CheckpointStore::needs(), from which it is made. Reads what the index remembers: some
// milliseconds.
Result<Waste> find_waste(Store& store);

// Collects and, if it is worth it, compacts, in small steps: so that gc is never locked for long,
// and little space is taken before much becomes free. Sessions may run; what the gc of one left
// because of us is freed as well. Ends early where sessions keep packs waiting: the one that ends
// last begins it again. kBusy, kCorrupt as of collect() and compact(). Blocks for minutes.
Result<void> reduce_waste(Store& store, std::chrono::milliseconds patience);

}  // namespace reprise::store
