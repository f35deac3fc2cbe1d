// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {
namespace {

Result<void> compact(store::CheckpointStore& checkpoints, Context& context) {
  const store::Compacted compacted = REPRISE_PASS(checkpoints.compact(kGcPatience));
  if (compacted.packs > 0)
    context.io.out << format_bytes(compacted.bytes) << " moved out of " << compacted.packs
                   << " packs that are hardly needed\n";
  for (const std::string& pack : compacted.damaged)
    context.io.err
        << "pack '" << pack
        << "' is damaged and stays as it is: 'reprise store verify' names who needs it\n";
  return {};
}

Result<int> gc(bool no_compact, Context& context) {
  const auto opened = REPRISE_PASS(store::open_store(context.layout.store));
  REPRISE_PASS(opened->sweep());
  if (!no_compact) REPRISE_PASS(compact(*opened, context));
  const store::Collected collected = REPRISE_PASS(opened->collect(kGcPatience));
  context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
  if (collected.waiting > 0)
    context.io.out << collected.waiting
                   << " packs are kept until the sessions that run now have ended\n";
  return kDone;
}

Runner configure(CLI::App& app) {
  auto no_compact = std::make_shared<bool>(false);
  app.add_flag("--no-compact", *no_compact, "leave packs of which little is needed as they are");
  return [no_compact](Context& context) { return gc(*no_compact, context); };
}

}  // namespace

constinit const Command kStoreGc = {
    .path = "store gc",
    .summary = "Free what no checkpoint needs",
    .details =
        R"(Sessions may run meanwhile. Stops and removals do it by themselves, but for this: out of packs of
which less than half is needed, that half is moved first.

Example:
  reprise store gc)",
    .configure = configure,
};

}  // namespace reprise::cli
