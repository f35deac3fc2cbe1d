// SPDX-License-Identifier: Apache-2.0
#include "cli/container/start.h"

#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/several_names.h"

namespace reprise::cli {

using operations::StartOutcome;

namespace {

std::string line_of(const std::string& name, const StartOutcome& outcome) {
  if (!outcome.restored) return name + ": started cold: " + outcome.reason + "\n";
  return name + ": resumed from checkpoint " + outcome.restored->checkpoint.str() + " in " +
         format_duration(outcome.restored->restore_ms) + "\n";
}

void print_notes(Io& io, const StartOutcome& outcome) {
  // What did not come back with it.
  if (outcome.restored && !outcome.restored->detail.empty())
    io.err << "note: " << outcome.restored->detail << '\n';
  if (!outcome.restored && !outcome.hint.empty()) io.err << "hint: " << outcome.hint << '\n';
}

struct Options {
  std::vector<std::string> names;
  bool cold = false;
  bool json = false;
};

Result<NameResult> start_one(Context& context, const std::string& name, const Options& options) {
  const auto from =
      options.cold ? operations::StartFrom::kBeginning : operations::StartFrom::kCheckpoint;
  const operations::Started started =
      REPRISE_PASS(operations::start(context.node, name, from, context.progress));
  if (!started.outcome)
    return NameResult{.lines = started.name + ": runs already\n",
                      .record = {{"name", started.name}, {"how", "ran-already"}}};
  if (!options.json) print_notes(context.io, *started.outcome);
  return NameResult{.lines = line_of(started.name, *started.outcome),
                    .record = start_json(started.name, *started.outcome)};
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("NAME", options->names, "containers, by name or id").required();
  arguments.add_flag("--cold", options->cold,
                     "begin anew, without the checkpoint to go on from, which is kept");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) -> Result<int> {
    return report_each_name(
        context.io, options->names, "cannot start", Form(options->json), "containers",
        [&](const std::string& name) { return start_one(context, name, *options); });
  };
}

}  // namespace

void print_start(Io& io, const std::string& name, const StartOutcome& outcome) {
  io.out << line_of(name, outcome);
  print_notes(io, outcome);
}

Json start_json(const std::string& name, const StartOutcome& outcome) {
  const auto& restored = outcome.restored;
  return {{"name", name},
          {"how", restored ? "resumed" : "cold"},
          {"checkpoint", restored ? restored->checkpoint.str() : ""},
          {"restore_ms", restored ? restored->restore_ms : 0},
          {"note", restored ? restored->detail : ""},
          {"reason", outcome.reason},
          {"hint", outcome.hint}};
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
