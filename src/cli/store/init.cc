// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/json.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

Result<int> init(bool json, Context& context) {
  const std::filesystem::path& root = context.node.layout.store;
  const std::string cannot = "cannot make the store '" + root.string() + "'";
  const bool was_there = REPRISE_TRY(catalog::Catalog::exists(root), cannot);
  REPRISE_TRY(store::open_catalog(context.node.store), cannot);
  REPRISE_TRY(store::open_store(context.node.store), cannot);
  if (json)
    print_json(context.io.out, {{"store", root.string()}, {"made", !was_there}});
  else
    context.io.out << (was_there ? "there is a store already at '" : "made a store at '")
                   << root.string() << "'\n";
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return init(*json, context); };
}

}  // namespace

constinit const Command kStoreInit = {
    .path = "store init",
    .summary = "Make a store where there is none",
    .details =
        R"(The installation does this. Commands that only look make no store, since an empty place may be
that of a disk that is not mounted; the first checkpoint does. One that is there is left as it is.

Example:
  reprise store init)",
    .configure = configure,
};

}  // namespace reprise::cli
