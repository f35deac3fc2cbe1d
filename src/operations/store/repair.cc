// SPDX-License-Identifier: Apache-2.0
#include "operations/store/repair.h"

#include "catalog/catalog.h"
#include "operations/store/garbage.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Result;

Result<Repair> Repair::begin(const Node& node) {
  std::optional<std::string> damage = REPRISE_PASS(catalog::find_catalog_damage(node.layout.store));
  auto checkpoints = REPRISE_PASS(store::open_existing_store(node.store));
  return Repair(node, std::move(damage), std::move(checkpoints));
}

Result<store::Rebuilt> Repair::rebuild_index() {
  REPRISE_PASS(checkpoints_->sweep());
  return checkpoints_->rebuild_index(kGcPatience);
}

Result<catalog::SalvagedCatalog> Repair::replace_catalog() {
  return catalog::replace_catalog(node_.layout.store);
}

Result<store::CatalogRepair> Repair::repair_catalog() {
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node_.store));
  return store::repair_catalog(*checkpoints_, catalog, node_.layout.store);
}

}  // namespace reprise::operations
