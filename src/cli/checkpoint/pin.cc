// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/several_names.h"
#include "operations/container/named_checkpoint.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using Pin = catalog::Catalog::Pin;

Result<int> set_one(Context& context, const std::string& name, Pin pin) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  const catalog::CheckpointRow row = REPRISE_PASS(operations::find_named_checkpoint(catalog, name));
  REPRISE_PASS(catalog.set_pin(row.id, pin));
  context.io.out << row.id.str() << (pin == Pin::kYes ? ": pinned\n" : ": no longer pinned\n");
  if (pin == Pin::kNo && !row.tag.empty())
    context.io.out << row.id.str() << ": kept all the same, for its tag '" << row.tag << "'\n";
  return kDone;
}

template <Pin pin>
Runner configure(Arguments& arguments) {
  auto names = std::make_shared<std::vector<std::string>>();
  arguments.add_option("CHECKPOINT", *names, kNamedCheckpoints).required();
  return [names](Context& context) -> Result<int> {
    return for_each_name(context.io, *names, pin == Pin::kYes ? "cannot pin" : "cannot unpin",
                         [&](const std::string& name) { return set_one(context, name, pin); });
  };
}

}  // namespace

constinit const Command kCheckpointPin = {
    .path = "checkpoint pin",
    .summary = "Keep checkpoints until somebody removes them",
    .details =
        R"(Neither later stops nor 'reprise store prune' remove a pinned checkpoint, whatever they keep.

Example:
  reprise checkpoint pin 4f2a)",
    .configure = configure<Pin::kYes>,
};

constinit const Command kCheckpointUnpin = {
    .path = "checkpoint unpin",
    .summary = "Let checkpoints go again when they are no longer needed",
    .details = R"(Example:
  reprise checkpoint unpin 4f2a)",
    .configure = configure<Pin::kNo>,
};

}  // namespace reprise::cli
