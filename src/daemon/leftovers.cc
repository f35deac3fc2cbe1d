// SPDX-License-Identifier: Apache-2.0
#include "daemon/leftovers.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "daemon/sessions.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "store/prune.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;

namespace {

bool has_part(const CheckpointObject& checkpoint, const std::string& node) {
  return checkpoint.node == node || (checkpoint.claimed_by && checkpoint.claimed_by->node == node);
}

bool supersedes(const CheckpointObject& newer, const CheckpointObject& older) {
  return newer.phase == Phase::kConsumed && !older.lineage.slot.empty() &&
         newer.name_space == older.name_space && newer.lineage.slot == older.lineage.slot &&
         newer.lineage.owner.uid == older.lineage.owner.uid && created(newer) > created(older);
}

}  // namespace

std::vector<CheckpointObject> needless(const std::vector<CheckpointObject>& all,
                                       const std::string& node,
                                       const std::map<std::string, LeftoverTime>& seen,
                                       LeftoverTime now) {
  std::vector<CheckpointObject> found;
  for (const CheckpointObject& one : all) {
    if (one.phase != Phase::kConsumed || !has_part(one, node)) continue;
    const auto since = seen.find(one.uid);
    const bool is_old = since != seen.end() && now - since->second >= kLeftoverTime;
    if (is_old || std::ranges::any_of(
                      all, [&](const CheckpointObject& other) { return supersedes(other, one); }))
      found.push_back(one);
  }
  return found;
}

Leftovers::Leftovers(const ClusterView& view, store::StoreConfig store, std::string node)
    : view_(view),
      store_(std::move(store)),
      node_(std::move(node)),
      follower_(view, {.longest = std::chrono::seconds(6), .rest = milliseconds(250)},
                [this] { look(); }) {}

void Leftovers::look() {
  const auto all = view_.checkpoints();
  const auto now = std::chrono::steady_clock::now();
  for (const CheckpointObject& one : all)
    if (one.phase == Phase::kConsumed) seen_.try_emplace(one.uid, now);
  std::erase_if(seen_, [&](const auto& one) {
    return std::ranges::none_of(
        all, [&](const CheckpointObject& each) { return each.uid == one.first; });
  });
  int removed = 0;
  for (const CheckpointObject& one : needless(all, node_, seen_, now)) {
    if (freed_.contains(one.uid)) continue;
    const auto freed = free(one);
    if (!freed && freed.error().code() == ErrorCode::kBusy) continue;  // until nobody reads it
    base::warn_and_ignore(freed, "what a pod went on from stays");
    freed_.insert(one.uid);
    removed += freed.value_or(0);
  }
  if (removed == 0) return;
  constexpr std::chrono::seconds kPatience{30};
  const auto store = store::open_store(store_);
  const auto collected = store ? (*store)->collect(kPatience) : std::unexpected(store.error());
  base::warn_and_ignore(collected, "space in the store is freed later");
  if (collected)
    base::log(
        LogLevel::kInfo, "freed what pods went on from",
        {{"checkpoints", std::to_string(removed)}, {"bytes", std::to_string(collected->bytes)}});
}

// Whoever may write Checkpoints may name any: it goes by what our own catalog says of it.
Result<int> Leftovers::free(const CheckpointObject& checkpoint) {
  int removed = 0;
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto store = REPRISE_PASS(store::open_store(store_));
  for (const SavedContainer& one : checkpoint.containers) {
    if (one.checkpoint.empty()) continue;
    const auto row = catalog.find_checkpoint(one.checkpoint.str());
    if (!row && row.error().code() == ErrorCode::kNotFound) continue;
    if (!row) return std::unexpected(row.error());
    if (row->id != one.checkpoint || !is_of(*row, checkpoint.source(one.name))) continue;
    // Of a pod that went on in part, and ended.
    if (view_.is_in_step())
      REPRISE_PASS(drop_of_gone_pods(
          catalog, row->id, [&](const std::string& uid) { return view_.pod(uid).has_value(); }));
    if (REPRISE_PASS(store::remove_unneeded(catalog, *store, row->id))) ++removed;
  }
  return removed;
}

}  // namespace reprise::daemon
