// SPDX-License-Identifier: Apache-2.0
//
// Making index and catalog anew from what is stored, step by step: what a step did has happened,
// whatever becomes of the next. No container may be stopped or started meanwhile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "catalog/salvage.h"
#include "operations/node.h"
#include "store/catalog_repair.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

class Repair {
 public:
  // Refuses what a newer version wrote before anything is changed.
  static base::Result<Repair> begin(const Node& node);

  // The first step. Reads all packs.
  base::Result<store::Rebuilt> rebuild_index();

  // What the catalog's damage is; nullopt if it has none.
  [[nodiscard]] const std::optional<std::string>& catalog_damage() const { return damage_; }
  // If it is damaged: what can be read of it is taken over, and it is kept beside the new one.
  base::Result<catalog::SalvagedCatalog> replace_catalog();

  // The last step: catalog and store know the same checkpoints.
  base::Result<store::CatalogRepair> repair_catalog();

 private:
  Repair(const Node& node, std::optional<std::string> damage,
         std::unique_ptr<store::CheckpointStore> checkpoints)
      : node_(node), damage_(std::move(damage)), checkpoints_(std::move(checkpoints)) {}
  const Node& node_;
  std::optional<std::string> damage_;
  std::unique_ptr<store::CheckpointStore> checkpoints_;
};

}  // namespace reprise::operations
