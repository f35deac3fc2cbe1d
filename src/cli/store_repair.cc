// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "cli/command.h"
#include "store/catalog.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {
namespace {

// What is in the store and not in the catalog, and the other way round.
Result<void> repair_catalog(store::CheckpointStore& checkpoints, Context& context) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  std::set<base::CheckpointId> known;
  const auto ids = REPRISE_PASS(checkpoints.list());
  for (const store::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints())) known.insert(row.id);
  for (const base::CheckpointId& id : ids) {
    if (known.erase(id) > 0) continue;
    const auto manifest = checkpoints.manifest(id);
    if (!manifest) {
      context.io.err << id.str() << ": " << manifest.error().message() << '\n';
      continue;
    }
    REPRISE_PASS(catalog.add_checkpoint(*manifest, "", store::Catalog::Continue::kNo));
    context.io.out << id.str() << ": back in the catalog\n";
  }
  for (const base::CheckpointId& id : known) {
    REPRISE_PASS(catalog.remove_checkpoint(id));
    context.io.out << id.str() << ": out of the catalog, since the store has no such checkpoint\n";
  }
  return {};
}

Result<int> repair(Context& context) {
  const auto opened = REPRISE_PASS(store::open_store(context.layout.store));
  REPRISE_PASS(opened->sweep());
  const store::Rebuilt rebuilt = REPRISE_PASS(opened->rebuild_index(kGcPatience));
  context.io.out << "index made anew: " << rebuilt.pages << " pages\n";
  for (const std::string& pack : rebuilt.damaged)
    context.io.err << "pack '" << pack
                   << "' is damaged: 'reprise checkpoint verify --all' names who needs it\n";
  REPRISE_PASS(repair_catalog(*opened, context));
  return rebuilt.damaged.empty() ? kDone : kNotAsAsked;
}

Runner configure(CLI::App&) {
  return [](Context& context) { return repair(context); };
}

}  // namespace

constinit const Command kStoreRepair = {
    .path = "store repair",
    .summary = "Make index and catalog anew from what is stored",
    .details =
        R"(Reads all packs. Tags, histories and what containers continue from are only in the catalog.

Example:
  reprise store repair)",
    .configure = configure,
};

}  // namespace reprise::cli
