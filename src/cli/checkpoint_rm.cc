// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/each.h"
#include "store/catalog.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {
namespace {

// The row goes first: a checkpoint that is half removed must not be restorable.
Result<int> remove_one(Context& context, store::CheckpointStore& checkpoints,
                       const std::string& name) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  const store::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(name));
  REPRISE_PASS(catalog.remove_checkpoint(row.id));
  REPRISE_PASS(checkpoints.remove(row.id));
  context.io.out << row.id.str() << ": removed\n";
  return kDone;
}

Result<int> remove_all(Context& context, const std::vector<std::string>& names) {
  const auto checkpoints = REPRISE_PASS(store::open_store(context.layout.store));
  const int status = for_each_name(
      context.io, names, "cannot remove",
      [&](const std::string& name) { return remove_one(context, *checkpoints, name); });
  // Pages that others share stay; what runs now may keep the rest for a while.
  const auto collected = checkpoints->collect(kGcPatience);
  if (collected && collected->packs > 0)
    context.io.out << format_bytes(collected->bytes) << " freed\n";
  return status;
}

Runner configure(CLI::App& app) {
  auto names = std::make_shared<std::vector<std::string>>();
  app.add_option("CHECKPOINT", *names, "ids, unique beginnings of ids, or tags")->required();
  return [names](Context& context) { return remove_all(context, *names); };
}

}  // namespace

constinit const Command kCheckpointRm = {
    .path = "checkpoint rm",
    .summary = "Remove checkpoints",
    .details = R"(A container that would have continued from a removed checkpoint starts cold.

Example:
  reprise checkpoint rm before-upgrade)",
    .configure = configure,
};

}  // namespace reprise::cli
