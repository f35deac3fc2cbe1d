// SPDX-License-Identifier: Apache-2.0
#include "store/catalog_repair.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace reprise::store {

using base::CheckpointId;

namespace {

// One repair of one catalog.
struct Repairing {
  CheckpointStore& checkpoints;
  catalog::Catalog& catalog;
  std::vector<CheckpointId> stored;
  std::set<CheckpointId> known{};  // have a row
  CatalogRepair result{};
};

// The stored checkpoint that a row tells of which cannot be read: that of its id, or, where it has
// none, the only one without a row that was made in the same moment. nullopt if there is none.
Result<std::optional<CheckpointId>> stored_of(const catalog::UnreadableRow& row, Repairing& all) {
  const auto id = CheckpointId::parse(row.id);
  const auto created = REPRISE_PASS(all.catalog.creation_of(row));
  if (!created) return std::nullopt;
  if (id && std::ranges::find(all.stored, *id) != all.stored.end()) return std::optional(*id);
  std::vector<CheckpointId> found;
  for (const CheckpointId& one : all.stored) {
    if (id || all.known.contains(one)) continue;
    const auto manifest = all.checkpoints.manifest(one);
    if (manifest && manifest->created == *created) found.push_back(one);
  }
  if (found.size() != 1) return std::nullopt;
  return std::optional(found.front());
}

// Whether the row stays as it is: what it says is all that is known of a checkpoint whose manifest
// cannot be read.
Result<bool> rewrite(const catalog::UnreadableRow& row, Repairing& all) {
  const auto id = REPRISE_PASS(stored_of(row, all));
  if (!id) return false;
  all.known.insert(*id);
  auto manifest = all.checkpoints.manifest(*id);
  if (!manifest) {
    all.result.unreadable.push_back({.id = *id, .why = std::move(manifest).error()});
    return true;
  }
  REPRISE_PASS(all.catalog.rewrite_checkpoint(row, *manifest));
  all.result.rewritten.push_back(*id);
  return false;
}

Result<void> mend_rows(Repairing& all, const std::filesystem::path& root) {
  std::vector<std::string> staying;
  for (const catalog::UnreadableRow& row : REPRISE_PASS(all.catalog.unreadable_rows()))
    if (REPRISE_PASS(rewrite(row, all))) staying.push_back(row.what);
  // Again: what names a checkpoint was mended with it.
  auto left = REPRISE_PASS(all.catalog.unreadable_rows());
  std::erase_if(left, [&](const catalog::UnreadableRow& row) {
    return std::ranges::find(staying, row.what) != staying.end();
  });
  if (left.empty()) return {};
  all.result.aside = REPRISE_PASS(all.catalog.set_aside(root, left));
  for (catalog::UnreadableRow& row : left) all.result.set_aside.push_back(std::move(row.what));
  return {};
}

}  // namespace

Result<CatalogRepair> repair_catalog(CheckpointStore& checkpoints, catalog::Catalog& catalog,
                                     const std::filesystem::path& root) {
  // First the store: what is sealed after this look is in the catalog at the next one.
  auto stored = REPRISE_PASS(checkpoints.list());
  Repairing all{.checkpoints = checkpoints, .catalog = catalog, .stored = std::move(stored)};
  for (const catalog::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints()))
    all.known.insert(row.id);
  REPRISE_PASS(mend_rows(all, root));
  for (const CheckpointId& id : all.stored) {
    if (all.known.erase(id) > 0) continue;
    Result<image::Manifest> manifest = checkpoints.manifest(id);
    if (!manifest) {
      all.result.unreadable.push_back({.id = id, .why = std::move(manifest).error()});
      continue;
    }
    REPRISE_PASS(catalog.add_checkpoint(*manifest, "", catalog::Catalog::Continue::kNo));
    all.result.added.push_back(id);
  }
  for (const CheckpointId& id : all.known) {
    REPRISE_PASS(catalog.remove_checkpoint(id));
    all.result.removed.push_back(id);
  }
  return std::move(all.result);
}

}  // namespace reprise::store
