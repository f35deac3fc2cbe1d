// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/several_names.h"
#include "operations/store/verification.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  bool all = false;
  bool json = false;
};

Result<NameResult> verify_one(Context& context, const std::string& name) {
  const catalog::CheckpointRow row =
      REPRISE_PASS(operations::verify_checkpoint(context.node, name));
  return NameResult{
      .lines = row.id.str() + ": intact, " + format_bytes(row.bytes) + "\n",
      .record = {{"name", name}, {"id", row.id.str()}, {"intact", true}, {"bytes", row.bytes}}};
}

Result<std::vector<std::string>> all_ids(Context& context) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  std::vector<std::string> ids;
  for (const catalog::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints()))
    ids.push_back(row.id.str());
  return ids;
}

Result<int> run(const Options& options, Context& context) {
  std::vector<std::string> names = options.names;
  if (options.all) names = REPRISE_TRY(all_ids(context), "cannot verify");
  return report_each_name(context.io, names, "cannot verify", Form(options.json), "verified",
                          [&](const std::string& name) { return verify_one(context, name); });
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  Argument names = arguments.add_option("CHECKPOINT", options->names, kNamedCheckpoints);
  const Argument all = arguments.add_flag("--all", options->all, "every checkpoint in the store");
  names.excludes(all);
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) -> Result<int> {
    if (options->names.empty() && !options->all)
      return std::unexpected(base::Error(base::ErrorCode::kInvalidInput, "nothing to verify")
                                 .with_hint("name checkpoints, or say --all"));
    return run(*options, context);
  };
}

}  // namespace

constinit const Command kCheckpointVerify = {
    .path = "checkpoint verify",
    .summary = "Read checkpoints and compare every byte with what was written",
    .details = R"(The exit status is 8 if one is damaged.

Example:
  reprise checkpoint verify --all)",
    .configure = configure,
};

}  // namespace reprise::cli
