// SPDX-License-Identifier: Apache-2.0
#include "operations/store/repair.h"
#include "cli/command.h"

namespace reprise::cli {
namespace {

Result<void> replace_catalog(operations::Repair& repair, Context& context) {
  const catalog::SalvagedCatalog salvaged = REPRISE_PASS(repair.replace_catalog());
  context.io.out << "catalog made anew, since it was damaged (" << *repair.catalog_damage()
                 << "); the old one is '" << salvaged.damaged.string() << "'\n";
  for (const std::string& table : salvaged.lost)
    context.io.err << "of the catalog's " << table << ", some or all could not be read\n";
  return {};
}

Result<int> repair(Context& context) {
  operations::Repair repair = REPRISE_PASS(operations::Repair::begin(context.node));
  const store::Rebuilt rebuilt = REPRISE_PASS(repair.rebuild_index());
  context.io.out << "index made anew: " << rebuilt.pages << " pages\n";
  for (const std::string& pack : rebuilt.damaged)
    context.io.err << "pack '" << pack
                   << "' is damaged: 'reprise store verify' names who needs it\n";
  if (repair.catalog_damage()) REPRISE_PASS(replace_catalog(repair, context));
  const store::CatalogRepair repaired = REPRISE_PASS(repair.repair_catalog());
  for (const base::CheckpointId& id : repaired.rewritten)
    context.io.out << id.str()
                   << ": its row in the catalog made anew, since it could not be read\n";
  for (const std::string& what : repaired.set_aside)
    context.io.err << what << ": put aside, in '" << repaired.aside.string() << "'\n";
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
damaged one, which is kept beside the new one, what can be read is taken over. Single rows that cannot
be read are made anew from the checkpoint, or put aside, into a database beside the catalog. No container may be
stopped or started meanwhile.

Example:
  reprise store repair)",
    .configure = configure,
};

}  // namespace reprise::cli
