// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/each.h"
#include "store/catalog.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {
namespace {

// The row goes first: a checkpoint that is half removed must not be restorable.
Result<int> remove_one(Context& context, const std::string& name) {
  store::Catalog catalog = REPRISE_PASS(store::Catalog::open(context.layout.store));
  const auto checkpoints = REPRISE_PASS(store::open_directory_store(context.layout.store));
  const store::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(name));
  REPRISE_PASS(catalog.remove_checkpoint(row.id));
  REPRISE_PASS(checkpoints->remove(row.id));
  context.io.out << row.id.str() << ": removed, " << format_bytes(row.bytes) << " freed\n";
  return kDone;
}

Runner configure(CLI::App& app) {
  auto names = std::make_shared<std::vector<std::string>>();
  app.add_option("CHECKPOINT", *names, "ids, unique beginnings of ids, or tags")->required();
  return [names](Context& context) -> Result<int> {
    return for_each_name(context.io, *names, "cannot remove",
                         [&](const std::string& name) { return remove_one(context, name); });
  };
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
