// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "base/id.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/container/checkpoint.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string container;
  operations::CheckpointWishes wishes;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot checkpoint '" + options.container + "'";
  if (!options.wishes.tag.empty()) REPRISE_TRY(base::parse_id(options.wishes.tag), "reading --tag");
  const auto [info, outcome] =
      REPRISE_TRY(operations::create_checkpoint(context.node, options.container, options.wishes,
                                                context.progress),
                  cannot);
  if (options.json) {
    print_json(context.io.out, {{"checkpoint", outcome.checkpoint.str()},
                                {"container", info.id},
                                {"name", info.name},
                                {"ended", options.wishes.end},
                                {"total_ms", outcome.total_ms},
                                {"freeze_ms", outcome.freeze_ms},
                                {"bytes", outcome.bytes}});
    return kDone;
  }
  context.io.out << info.name << ": checkpointed in " << format_duration(outcome.total_ms)
                 << " (frozen " << format_duration(outcome.freeze_ms) << ", "
                 << format_bytes(outcome.bytes) << "), checkpoint " << outcome.checkpoint.str()
                 << (options.wishes.end ? "; it has ended" : "; it runs on") << '\n';
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CONTAINER", options->container, "a running container, by name or id")
      .required();
  arguments.add_flag("--stop", options->wishes.end,
                     "end the container once the checkpoint is safe");
  arguments.add_option("--tag", options->wishes.tag,
                       "a name for the checkpoint, which is then kept until removed");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointCreate = {
    .path = "checkpoint create",
    .summary = "Take a checkpoint of a running container",
    .details = R"(The container runs on afterwards, unless --stop is given.

Example:
  reprise checkpoint create counter --tag before-upgrade)",
    .configure = configure,
};

}  // namespace reprise::cli
