// SPDX-License-Identifier: Apache-2.0
#include "operations/store/verification.h"

#include <algorithm>

#include "catalog/salvage.h"
#include "operations/container/named_checkpoint.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Result;

namespace {

bool is_known(const std::vector<catalog::CheckpointRow>& rows, const base::CheckpointId& id) {
  return std::ranges::find(rows, id, &catalog::CheckpointRow::id) != rows.end();
}

// What catalog and store do not both have. A row goes before its file, and comes after it.
Result<void> add_missing(const Node& node, store::CheckpointStore& checkpoints,
                         store::Verified& verified) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  const auto rows = REPRISE_PASS(catalog.checkpoints());
  const auto ids = REPRISE_PASS(checkpoints.list());
  for (const base::CheckpointId& id : ids)
    if (!is_known(rows, id) && !catalog.find_checkpoint(id.str()) && checkpoints.manifest(id))
      verified.damages.push_back({.checkpoint = id,
                                  .pack = "",
                                  .what =
                                      "it is not in the catalog: 'reprise store repair' puts it "
                                      "there"});
  for (const catalog::CheckpointRow& row : rows)
    if (!std::ranges::binary_search(ids, row.id) && catalog.find_checkpoint(row.id.str()))
      verified.damages.push_back(
          {.checkpoint = row.id, .pack = "", .what = "its file is missing in the store"});
  return {};
}

}  // namespace

Result<catalog::CheckpointRow> verify_checkpoint(const Node& node, const std::string& checkpoint) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  const auto checkpoints = REPRISE_PASS(store::open_store(node.store));
  catalog::CheckpointRow row = REPRISE_PASS(find_named_checkpoint(catalog, checkpoint));
  REPRISE_PASS(checkpoints->verify(row.id));
  return row;
}

Result<store::Verified> verify_store(const Node& node, Progress& progress) {
  const auto catalog_damage = REPRISE_PASS(catalog::find_catalog_damage(node.layout.store));
  const auto checkpoints = REPRISE_PASS(store::open_existing_store(node.store));
  const auto tell = [&](const base::CheckpointId& id, auto done, auto all) {
    progress.step(std::to_string(done) + " of " + std::to_string(all) + ", " + id.str());
    progress.tick();
  };
  progress.begin("verifying");
  Result<store::Verified> verified = checkpoints->verify_all(tell);
  progress.end();
  REPRISE_PASS(verified);
  if (catalog_damage)
    verified->damages.push_back({.checkpoint = {},
                                 .pack = "",
                                 .what = "the catalog is damaged (" + *catalog_damage +
                                         "): 'reprise store repair' makes it anew"});
  else
    REPRISE_PASS(add_missing(node, *checkpoints, *verified));
  return verified;
}

}  // namespace reprise::operations
