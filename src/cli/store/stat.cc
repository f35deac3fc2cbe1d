// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

double percent(std::uint64_t part, std::uint64_t whole) {
  constexpr double kWhole = 100;
  return whole == 0 ? 0 : kWhole * static_cast<double>(part) / static_cast<double>(whole);
}

Result<int> print_stat(bool json, Context& context) {
  REPRISE_PASS(store::open_existing_catalog(context.node.store));  // looking makes no store
  const auto opened = REPRISE_PASS(store::open_store(context.node.store));
  const store::StoreUse use = REPRISE_PASS(opened->use());
  if (json) {
    print_json(context.io.out, {{"checkpoints", use.checkpoints},
                                {"packs", use.packs},
                                {"logical_bytes", use.logical_bytes},
                                {"unique_bytes", use.unique_bytes},
                                {"stored_bytes", use.stored_bytes}});
    return kDone;
  }
  context.io.out << fmt::format(
      "checkpoints  {}\nlogical      {}\nunique       {}\nstored       {} in {} packs, {:.1f} % of "
      "logical\n",
      use.checkpoints, format_bytes(use.logical_bytes), format_bytes(use.unique_bytes),
      format_bytes(use.stored_bytes), use.packs, percent(use.stored_bytes, use.logical_bytes));
  return kDone;
}

Result<int> stat(bool json, Context& context) {
  const int status = REPRISE_PASS(print_stat(json, context));
  print_unreadable_rows(context);
  print_set_aside(context);
  print_failing_uploads(context);
  return status;
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return stat(*json, context); };
}

}  // namespace

constinit const Command kStoreStat = {
    .path = "store stat",
    .summary = "Say what the store takes",
    .details =
        R"(Logical is the size of the files of all checkpoints, unique what is left of it without zeros and
with equal pages counted once, stored what lies on the disk, compressed and encrypted: with what is
left of checkpoints that were removed, until a gc.

Example:
  reprise store stat --json)",
    .configure = configure,
};

}  // namespace reprise::cli
