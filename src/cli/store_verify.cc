// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "catalog/catalog.h"
#include "catalog/salvage.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

bool is_known(const std::vector<catalog::CheckpointRow>& rows, const base::CheckpointId& id) {
  return std::ranges::find(rows, id, &catalog::CheckpointRow::id) != rows.end();
}

// What catalog and store do not both have. A row goes before its file, and comes after it.
Result<void> add_missing(Context& context, store::CheckpointStore& checkpoints,
                         store::Verified& verified) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
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

void print(Context& context, const store::Verified& verified) {
  for (const store::Damage& damage : verified.damages)
    context.io.err << (damage.checkpoint.empty() ? "" : damage.checkpoint.str() + ": ")
                   << (damage.pack.empty() ? "" : "pack '" + damage.pack + "': ") << damage.what
                   << '\n';
  context.io.out << verified.checkpoints << " checkpoints, " << format_bytes(verified.bytes)
                 << " in packs: " << (verified.damages.empty() ? "all intact" : "damage was found")
                 << '\n';
}

void print_as_json(Context& context, const store::Verified& verified) {
  Json damages = Json::array();
  for (const store::Damage& damage : verified.damages)
    damages.push_back(
        {{"checkpoint", damage.checkpoint.empty() ? Json(nullptr) : Json(damage.checkpoint.str())},
         {"pack", damage.pack.empty() ? Json(nullptr) : Json(damage.pack)},
         {"what", damage.what}});
  print_json(context.io.out, {{"checkpoints", verified.checkpoints},
                              {"bytes", verified.bytes},
                              {"damages", std::move(damages)}});
}

Result<int> verify(bool json, Context& context) {
  const auto catalog_damage = REPRISE_PASS(catalog::find_catalog_damage(context.node.layout.store));
  const auto checkpoints = REPRISE_PASS(store::open_store(context.node.store));
  context.progress.begin("verifying");
  store::Verified verified = REPRISE_PASS(checkpoints->verify_all([&](const auto& id, auto done,
                                                                      auto all) {
    context.progress.step(std::to_string(done) + " of " + std::to_string(all) + ", " + id.str());
    context.progress.tick();
  }));
  context.progress.end();
  if (catalog_damage)
    verified.damages.push_back({.checkpoint = {},
                                .pack = "",
                                .what = "the catalog is damaged (" + *catalog_damage +
                                        "): 'reprise store repair' makes it anew"});
  else
    REPRISE_PASS(add_missing(context, *checkpoints, verified));
  (json ? print_as_json : print)(context, verified);
  return verified.damages.empty() ? kDone : base::exit_code(base::ErrorCode::kCorrupt);
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return verify(*json, context); };
}

}  // namespace

constinit const Command kStoreVerify = {
    .path = "store verify",
    .summary = "Read everything that is stored and prove that it is what was written",
    .details =
        R"(Names each damaged checkpoint with its pack and goes on. The exit status is 8 if there is one.

Example:
  reprise store verify --json)",
    .configure = configure,
};

}  // namespace reprise::cli
