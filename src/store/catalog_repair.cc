// SPDX-License-Identifier: Apache-2.0
#include "store/catalog_repair.h"

#include <set>
#include <utility>

namespace reprise::store {

Result<CatalogRepair> repair_catalog(CheckpointStore& checkpoints, catalog::Catalog& catalog) {
  CatalogRepair repair;
  // First the store: what is sealed after this look is in the catalog at the next one.
  const auto ids = REPRISE_PASS(checkpoints.list());
  std::set<base::CheckpointId> known;
  for (const catalog::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints()))
    known.insert(row.id);
  for (const base::CheckpointId& id : ids) {
    if (known.erase(id) > 0) continue;
    Result<image::Manifest> manifest = checkpoints.manifest(id);
    if (!manifest) {
      repair.unreadable.push_back({.id = id, .why = std::move(manifest).error()});
      continue;
    }
    REPRISE_PASS(catalog.add_checkpoint(*manifest, "", catalog::Catalog::Continue::kNo));
    repair.added.push_back(id);
  }
  for (const base::CheckpointId& id : known) {
    REPRISE_PASS(catalog.remove_checkpoint(id));
    repair.removed.push_back(id);
  }
  return repair;
}

}  // namespace reprise::store
