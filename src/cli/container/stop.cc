// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <chrono>
#include <memory>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/several_names.h"
#include "operations/container/stop.h"

namespace reprise::cli {
namespace {

using operations::Stopped;

struct Options {
  std::vector<std::string> names;
  int time_s = 600;
  bool json = false;
};

std::string lines_of(const Stopped& stopped) {
  switch (stopped.how) {
    case Stopped::How::kDidNotRun:
      return "does not run\n";
    case Stopped::How::kCheckpointed:
      return "checkpointed in " + format_duration(stopped.total_ms) + " (frozen " +
             format_duration(stopped.checkpoint.freeze_ms) + ", " +
             format_bytes(stopped.checkpoint.bytes) + "), checkpoint " +
             stopped.checkpoint.id.str() + "\n";
    case Stopped::How::kWithoutCheckpoint:
      return "stopped without a checkpoint: " + stopped.why->message() + "\n";
    case Stopped::How::kNotOptedIn:
      return "stopped (it has no annotation 'reprise.dev/on-stop=checkpoint')\n";
    case Stopped::How::kUnknown:
      break;
  }
  return "stopped; whether with a checkpoint is not known\n";
}

std::string_view name_of(Stopped::How how) {
  constexpr std::array<std::string_view, 5> kNames = {
      "did-not-run", "checkpointed", "without-checkpoint", "not-opted-in", "unknown"};
  return kNames.at(static_cast<std::size_t>(how));
}

Json record_of(const Stopped& stopped) {
  return {{"name", stopped.name},
          {"how", name_of(stopped.how)},
          {"checkpoint", stopped.checkpoint.id.str()},
          {"total_ms", stopped.total_ms},
          {"freeze_ms", stopped.checkpoint.freeze_ms},
          {"bytes", stopped.checkpoint.bytes},
          {"reason", stopped.why ? stopped.why->message() : ""},
          {"hint", stopped.why ? stopped.why->hint() : ""}};
}

Result<NameResult> stop_one(Context& context, const std::string& name, const Options& options) {
  const Stopped stopped = REPRISE_PASS(
      operations::stop(context.node, name, std::chrono::seconds(options.time_s), context.progress));
  const bool may_lack =
      stopped.how == Stopped::How::kWithoutCheckpoint || stopped.how == Stopped::How::kUnknown;
  if (stopped.why && !options.json) context.io.err << "hint: " << stopped.why->hint() << '\n';
  return NameResult{.status = may_lack && stopped.opted_in ? kNotAsAsked : kDone,
                    .lines = stopped.name + ": " + lines_of(stopped),
                    .record = record_of(stopped)};
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("NAME", options->names, "containers, by name or id").required();
  arguments
      .add_option("-t,--time", options->time_s,
                  "seconds until Podman kills it; a checkpoint must be done by then")
      .show_default()
      .within(0, 1'000'000);
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) -> Result<int> {
    return report_each_name(
        context.io, options->names, "cannot stop", Form(options->json), "containers",
        [&](const std::string& name) { return stop_one(context, name, *options); });
  };
}

}  // namespace

constinit const Command kStop = {
    .path = "stop",
    .summary = "Checkpoint containers, then end them",
    .details =
        R"(The same as 'podman stop', and says what came of it. A container whose checkpoint fails gets its
stop signal and ends without one; the exit status is then 1.

Example:
  reprise stop counter)",
    .configure = configure,
};

}  // namespace reprise::cli
