// SPDX-License-Identifier: Apache-2.0
#include "store/prune.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "store/holds.h"

namespace reprise::store {

using base::CheckpointId;

namespace {

// Containers that were made anew under one name are counted as one: those that are gone would keep
// their newest checkpoint for ever. No key contains a blank.
std::string group_of(const catalog::CheckpointRow& row) {
  return row.name.empty() ? row.key.str() : "name " + row.name;
}

// Those that are counted together with those of `key`.
std::vector<catalog::CheckpointRow> rows_beside(std::vector<catalog::CheckpointRow> rows,
                                                const base::ContainerKey& key) {
  std::set<std::string> groups;
  for (const catalog::CheckpointRow& row : rows)
    if (row.key == key) groups.insert(group_of(row));
  std::erase_if(rows,
                [&](const catalog::CheckpointRow& row) { return !groups.contains(group_of(row)); });
  return rows;
}

catalog::StoreFacts facts_of(const std::vector<catalog::CheckpointRow>& rows) {
  catalog::StoreFacts facts;
  facts.checkpoints.reserve(rows.size());
  for (const catalog::CheckpointRow& row : rows)
    facts.checkpoints.push_back({.id = row.id,
                                 .group = group_of(row),
                                 .created = row.created,
                                 .of_a_stop = row.trigger == image::Trigger::kStop,
                                 .kept = row.pending || row.pinned || !row.tag.empty()});
  return facts;
}

// For those that may go for their size.
void add_copies(catalog::StoreFacts& facts, const std::vector<catalog::Copy>& copies) {
  std::unordered_set<std::string> whole;
  for (const catalog::Copy& copy : copies)
    if (!copy.uploading) whole.insert(copy.checkpoint.str());
  for (catalog::CheckpointFacts& checkpoint : facts.checkpoints)
    checkpoint.elsewhere = whole.contains(checkpoint.id.str());
}

// A file that the catalog does not know (yet) takes space, and is not ours to remove.
catalog::CheckpointFacts stranger(const CheckpointNeeds& needs) {
  return {.id = needs.id, .group = needs.id.str(), .kept = true};
}

void add_sizes(catalog::StoreFacts& facts, const StoreNeeds& needs) {
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
    catalog::CheckpointFacts& fact =
        known == by_id.end() ? facts.checkpoints.back() : facts.checkpoints[known->second];
    fact.bytes = checkpoint.file_bytes;
    for (const pages::PackNeed& need : checkpoint.packs)
      if (const auto number = numbers.find(need.pack); number != numbers.end())
        fact.packs.push_back(number->second);
  }
}

// What memory of restored containers still comes from is kept like what somebody has pinned.
void keep_held(catalog::StoreFacts& facts, const std::vector<CheckpointId>& held) {
  for (catalog::CheckpointFacts& checkpoint : facts.checkpoints)
    if (std::ranges::find(held, checkpoint.id) != held.end()) checkpoint.kept = true;
}

}  // namespace

// The row goes first: a checkpoint that is half removed must not be restorable.
Result<bool> remove_unneeded(catalog::Catalog& catalog, CheckpointStore& checkpoints,
                             const CheckpointId& id) {
  const RemovalLock lock = REPRISE_PASS(checkpoints.begin_removal(id));
  if (!REPRISE_PASS(catalog.remove_unneeded(id))) return false;
  REPRISE_PASS(checkpoints.remove(id));
  return true;
}

Result<catalog::Decision> prune(Store& store, const catalog::Retention& policy,
                                const PruneOptions& options) {
  const bool one = options.only && !policy.max_bytes;
  std::vector<catalog::CheckpointRow> rows = REPRISE_PASS(store.catalog.checkpoints());
  if (one) rows = rows_beside(std::move(rows), *options.only);
  catalog::StoreFacts facts = facts_of(rows);
  keep_held(facts, REPRISE_PASS(store.checkpoints->held()));
  if (policy.max_bytes) {
    add_copies(facts, REPRISE_PASS(store.catalog.copies()));
    add_sizes(facts, REPRISE_PASS(store.checkpoints->needs()));
  }
  catalog::Decision decision = catalog::decide(facts, policy);
  if (options.dry_run) return decision;
  std::vector<catalog::Removal> removed;
  for (const catalog::Removal& removal : decision.removals) {
    const auto gone = remove_unneeded(store.catalog, *store.checkpoints, removal.id);
    if (!gone && gone.error().code() == base::ErrorCode::kBusy) continue;
    if (REPRISE_PASS(gone)) removed.push_back(removal);
  }
  decision.removals = std::move(removed);
  return decision;
}

}  // namespace reprise::store
