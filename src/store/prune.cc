// SPDX-License-Identifier: Apache-2.0
#include "store/prune.h"

#include <map>
#include <unordered_map>
#include <unordered_set>

namespace reprise::store {

using base::CheckpointId;

namespace {

StoreFacts facts_of(const std::vector<CheckpointRow>& rows) {
  StoreFacts facts;
  facts.checkpoints.reserve(rows.size());
  for (const CheckpointRow& row : rows)
    facts.checkpoints.push_back({.id = row.id,
                                 .key = row.key,
                                 .created = row.created,
                                 .of_a_stop = row.trigger == image::Trigger::kStop,
                                 .kept = row.pending || row.pinned || !row.tag.empty()});
  return facts;
}

// For those that may go for their size.
void add_copies(StoreFacts& facts, const std::vector<Copy>& copies) {
  std::unordered_set<std::string> whole;
  for (const Copy& copy : copies)
    if (!copy.uploading) whole.insert(copy.checkpoint.str());
  for (CheckpointFacts& checkpoint : facts.checkpoints)
    checkpoint.elsewhere = whole.contains(checkpoint.id.str());
}

// A file that the catalog does not know (yet) takes space, and is not ours to remove.
CheckpointFacts stranger(const CheckpointNeeds& needs) {
  return {.id = needs.id, .key = base::ContainerKey(needs.id.str()), .kept = true};
}

void add_sizes(StoreFacts& facts, const StoreNeeds& needs) {
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (const auto& [pack, bytes] : needs.pack_bytes) {
    numbers.emplace(pack, static_cast<std::uint32_t>(facts.pack_bytes.size()));
    facts.pack_bytes.push_back(bytes);
  }
  std::unordered_map<std::string, std::size_t> by_id;
  for (std::size_t i = 0; i < facts.checkpoints.size(); ++i)
    by_id.emplace(facts.checkpoints[i].id.str(), i);
  for (const CheckpointNeeds& checkpoint : needs.checkpoints) {
    const auto known = by_id.find(checkpoint.id.str());
    if (known == by_id.end()) facts.checkpoints.push_back(stranger(checkpoint));
    CheckpointFacts& fact =
        known == by_id.end() ? facts.checkpoints.back() : facts.checkpoints[known->second];
    fact.bytes = checkpoint.file_bytes;
    for (const PackNeed& need : checkpoint.packs)
      if (const auto number = numbers.find(need.pack); number != numbers.end())
        fact.packs.push_back(number->second);
  }
}

}  // namespace

Result<Decision> prune(Catalog& catalog, CheckpointStore& checkpoints, const Retention& policy,
                       const PruneOptions& options) {
  const bool one = options.only && !policy.max_bytes;
  StoreFacts facts =
      facts_of(REPRISE_PASS(one ? catalog.checkpoints(*options.only) : catalog.checkpoints()));
  if (policy.max_bytes) {
    add_copies(facts, REPRISE_PASS(catalog.copies()));
    add_sizes(facts, REPRISE_PASS(checkpoints.needs()));
  }
  Decision decision = decide(facts, policy);
  if (options.dry_run) return decision;
  std::vector<Removal> removed;
  for (const Removal& removal : decision.removals) {
    // The row goes first: a checkpoint that is half removed must not be restorable.
    if (!REPRISE_PASS(catalog.remove_unneeded(removal.id))) continue;
    REPRISE_PASS(checkpoints.remove(removal.id));
    removed.push_back(removal);
  }
  decision.removals = std::move(removed);
  return decision;
}

}  // namespace reprise::store
