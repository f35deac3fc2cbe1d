// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "cli/command.h"
#include "cli/output.h"
#include "operations/container/containers.h"
#include "operations/container/run.h"
#include "podman/client.h"
#include "podman/command_line.h"

namespace reprise::cli {
namespace {

bool asks_for(const podman::OptionWords& parsed, std::string_view long_name, char short_name) {
  return std::ranges::any_of(parsed.options, [&](const podman::OptionWord& option) {
    return option.name == long_name || option.short_flags.find(short_name) != std::string::npos;
  });
}

void print_notes(Context& context, const std::vector<std::string>& args, const std::string& id) {
  const podman::OptionWords parsed = podman::parse_options(args, 0);
  if (asks_for(parsed, "--interactive", 'i') || asks_for(parsed, "--tty", 't'))
    context.io.err << "note: it runs in the background; 'podman attach " << operations::short_id(id)
                   << "' connects you to it\n";
  if (asks_for(parsed, "--rm", '\0'))
    context.io.err
        << "note: because of --rm it is removed at every stop; 'reprise restore' makes it "
           "again from its checkpoint\n";
}

Result<int> run(const std::vector<std::string>& args, Context& context) {
  const operations::RunOutcome outcome = REPRISE_TRY(
      operations::run_container(context.node, args, podman::ErrorOutput::kPass, context.progress),
      "cannot run");
  context.io.out << outcome.out << std::flush;
  if (outcome.new_id.empty()) return outcome.status;
  print_notes(context, args, outcome.new_id);
  const Result<void> recorded = operations::record_new_container(context.node, outcome.new_id);
  if (!recorded)
    context.progress.warn(
        "'reprise restore' will not be able to make it again: " + recorded.error().message(),
        recorded.error().hint());
  return kDone;
}

}  // namespace

constinit const Command kRun = {
    .path = "run",
    .summary = "Start a container that is checkpointed when it is stopped",
    .details = R"(
Usage: reprise run [podman run options] IMAGE [COMMAND...]

Everything is passed on to 'podman run -d', with the runtime of Reprise and the annotation
reprise.dev/on-stop=checkpoint. Prints the container's id. The exit status is Podman's.
The container always runs in the background; 'podman attach' connects you to it.

REPRISE_RUNTIME names another OCI runtime (a name or a path).

Example:
  reprise run --name counter IMAGE sh -c 'while sleep 1; do echo $((n+=1)); done'
)",
    .pass_through = run,
};

}  // namespace reprise::cli
