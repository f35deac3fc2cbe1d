// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/output.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {
namespace {

Result<int> gc(Context& context) {
  const auto opened = REPRISE_PASS(store::open_store(context.layout.store));
  REPRISE_PASS(opened->sweep());
  const store::Collected collected = REPRISE_PASS(opened->collect(kGcPatience));
  context.io.out << format_bytes(collected.bytes) << " freed (" << collected.packs << " packs)\n";
  if (collected.waiting > 0)
    context.io.out << collected.waiting
                   << " packs are kept until the sessions that run now have ended\n";
  return kDone;
}

Runner configure(CLI::App&) {
  return [](Context& context) { return gc(context); };
}

}  // namespace

constinit const Command kStoreGc = {
    .path = "store gc",
    .summary = "Free what no checkpoint needs",
    .details = R"(Sessions may run meanwhile. Stops and removals do it by themselves.

Example:
  reprise store gc)",
    .configure = configure,
};

}  // namespace reprise::cli
