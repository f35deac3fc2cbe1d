// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"
#include "catalog/salvage.h"
#include "cli/command.h"
#include "store/catalog_repair.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

Result<void> replace_catalog(const std::string& damage, Context& context) {
  const catalog::SalvagedCatalog salvaged =
      REPRISE_PASS(catalog::replace_catalog(context.node.layout.store));
  context.io.out << "catalog made anew, since it was damaged (" << damage << "); the old one is '"
                 << salvaged.damaged.string() << "'\n";
  for (const std::string& table : salvaged.lost)
    context.io.err << "of the catalog's " << table << ", some or all could not be read\n";
  return {};
}

Result<int> repair(Context& context) {
  // First of all: what a newer version wrote is not for us to mend.
  const auto damage = REPRISE_PASS(catalog::find_catalog_damage(context.node.layout.store));
  const auto opened = REPRISE_PASS(store::open_store(context.node.store));
  REPRISE_PASS(opened->sweep());
  const store::Rebuilt rebuilt = REPRISE_PASS(opened->rebuild_index(kGcPatience));
  context.io.out << "index made anew: " << rebuilt.pages << " pages\n";
  for (const std::string& pack : rebuilt.damaged)
    context.io.err << "pack '" << pack
                   << "' is damaged: 'reprise store verify' names who needs it\n";
  if (damage) REPRISE_PASS(replace_catalog(*damage, context));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.node.store));
  const store::CatalogRepair repaired = REPRISE_PASS(store::repair_catalog(*opened, catalog));
  for (const base::CheckpointId& id : repaired.added)
    context.io.out << id.str() << ": back in the catalog\n";
  for (const base::CheckpointId& id : repaired.removed)
    context.io.out << id.str() << ": out of the catalog, since the store has no such checkpoint\n";
  for (const auto& [id, why] : repaired.unreadable)
    context.io.err << id.str() << ": " << why.message() << '\n';
  return rebuilt.damaged.empty() ? kDone : kNotAsAsked;
}

Runner configure(Arguments&) {
  return [](Context& context) { return repair(context); };
}

}  // namespace

constinit const Command kStoreRepair = {
    .path = "store repair",
    .summary = "Make index and catalog anew from what is stored",
    .details =
        R"(Reads all packs. Tags, histories and what containers continue from are only in the catalog: of a
damaged one, which is kept beside the new one, what can be read is taken over. No container may be
stopped or started meanwhile.

Example:
  reprise store repair)",
    .configure = configure,
};

}  // namespace reprise::cli
