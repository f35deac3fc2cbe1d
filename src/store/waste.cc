// SPDX-License-Identifier: Apache-2.0
#include "store/waste.h"

#include <algorithm>
#include <utility>

#include "pages/pack.h"

namespace reprise::store {

namespace {

// Less is not worth the second that it takes to look through the checkpoints' files.
constexpr std::uint64_t kLeast = std::uint64_t{64} << 20;
// One part in so many of all packs: so much has been stored in vain since the last time, that what
// is written now does not weigh.
constexpr std::uint64_t kPart = 4;
// Of blocks that are moved before what they leave is freed: a second or two of the disk.
constexpr std::uint64_t kStep = std::uint64_t{256} << 20;

// Of each pack, what each container's checkpoints need.
using Needed = std::map<std::string, std::map<std::string, std::uint64_t>>;

Needed needed_by_owner(const StoreNeeds& needs, const Owners& owners) {
  Needed needed;
  for (const CheckpointNeeds& checkpoint : needs.checkpoints) {
    const auto known = owners.find(checkpoint.id.str());
    const std::string& owner = known == owners.end() ? checkpoint.id.str() : known->second;
    for (const pages::PackNeed& need : checkpoint.packs) {
      std::uint64_t& most = needed[need.pack][owner];
      most = std::max(most, need.bytes);
    }
  }
  return needed;
}

}  // namespace

Waste waste_of(const StoreNeeds& needs, const Owners& owners) {
  const Needed needed = needed_by_owner(needs, owners);
  Waste waste;
  for (const auto& [pack, bytes] : needs.pack_bytes) {
    waste.all += bytes;
    const auto found = needed.find(pack);
    if (found == needed.end()) {
      waste.unneeded += bytes;
      continue;
    }
    std::uint64_t sum = 0;
    for (const auto& [owner, most] : found->second) sum += most;
    if (pages::is_sparse(sum, bytes)) waste.sparse += bytes - sum;
  }
  return waste;
}

bool is_worth_collecting(const Waste& waste) { return waste.unneeded >= kLeast; }

bool is_worth_compacting(const Waste& waste) {
  return waste.sparse >= kLeast && waste.sparse >= waste.all / kPart;
}

Result<Waste> find_waste(Store& store) {
  Owners owners;
  for (const catalog::CheckpointRow& row : REPRISE_PASS(store.catalog.checkpoints()))
    owners.emplace(row.id.str(), row.key.str());
  return waste_of(REPRISE_PASS(store.checkpoints->needs()), owners);
}

Result<void> reduce_waste(Store& store, std::chrono::milliseconds patience) {
  const Waste first = REPRISE_PASS(find_waste(store));
  bool compacting = is_worth_compacting(first);
  if (!compacting && !is_worth_collecting(first)) return {};
  for (;;) {
    Compacted compacted;
    if (compacting) compacted = REPRISE_PASS(store.checkpoints->compact(patience, kStep));
    compacting = compacted.packs > 0;
    const Collected collected = REPRISE_PASS(store.checkpoints->collect(patience));
    if (collected.waiting > 0) return {};
    if (compacting) continue;
    // A session that ended meanwhile may have found the gc locked.
    const Waste left = REPRISE_PASS(find_waste(store));
    if (left.unneeded == 0 || collected.packs == 0) return {};
  }
}

}  // namespace reprise::store
