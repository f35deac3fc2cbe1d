// SPDX-License-Identifier: Apache-2.0
#include "cli/container/start.h"

#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/several_names.h"

namespace reprise::cli {
namespace {

Result<int> start_one(Context& context, const std::string& name, bool cold) {
  const auto from = cold ? operations::StartFrom::kBeginning : operations::StartFrom::kCheckpoint;
  const operations::Started started =
      REPRISE_PASS(operations::start(context.node, name, from, context.progress));
  if (started.outcome)
    print_start(context.io, started.name, *started.outcome);
  else
    context.io.out << started.name << ": runs already\n";
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto names = std::make_shared<std::vector<std::string>>();
  arguments.add_option("NAME", *names, "containers, by name or id").required();
  auto cold = std::make_shared<bool>(false);
  arguments.add_flag("--cold", *cold,
                     "begin anew, without the checkpoint to go on from, which is kept");
  return [names, cold](Context& context) -> Result<int> {
    return for_each_name(context.io, *names, "cannot start",
                         [&](const std::string& name) { return start_one(context, name, *cold); });
  };
}

}  // namespace

void print_start(Io& io, const std::string& name, const operations::StartOutcome& outcome) {
  if (outcome.restored) {
    io.out << name << ": resumed from checkpoint " << outcome.restored->checkpoint.str() << " in "
           << format_duration(outcome.restored->restore_ms) << '\n';
    // What did not come back with it.
    if (!outcome.restored->detail.empty()) io.err << "note: " << outcome.restored->detail << '\n';
    return;
  }
  io.out << name << ": started cold: " << outcome.reason << '\n';
  if (!outcome.hint.empty()) io.err << "hint: " << outcome.hint << '\n';
}

constinit const Command kStart = {
    .path = "start",
    .summary = "Resume stopped containers from their checkpoints",
    .details =
        R"(The same as 'podman start', and says which it was: resumed from a checkpoint, or started cold,
and why. A container starts cold, from its beginning, if it has no checkpoint to continue from. One
whose checkpoint cannot be restored now (its store is not mounted, a file on a bind mount is missing)
is not started, and goes on from it once the cause is mended: a cold start could not be taken back,
since the program writes to the same files. --cold wants it so; the annotation
reprise.dev/on-restore-failure=cold always does.

Example:
  reprise start counter
  reprise start --cold counter)",
    .configure = configure,
};

}  // namespace reprise::cli
