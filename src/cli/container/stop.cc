// SPDX-License-Identifier: Apache-2.0
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
};

void print(Io& io, const Stopped& stopped) {
  io.out << stopped.name << ": ";
  switch (stopped.how) {
    case Stopped::How::kDidNotRun:
      io.out << "does not run\n";
      break;
    case Stopped::How::kCheckpointed:
      io.out << "checkpointed in " << format_duration(stopped.total_ms) << " (frozen "
             << format_duration(stopped.checkpoint.freeze_ms) << ", "
             << format_bytes(stopped.checkpoint.bytes) << "), checkpoint "
             << stopped.checkpoint.id.str() << '\n';
      break;
    case Stopped::How::kWithoutCheckpoint:
      io.out << "stopped without a checkpoint: " << stopped.why->message() << '\n';
      io.err << "hint: " << stopped.why->hint() << '\n';
      break;
    case Stopped::How::kNotOptedIn:
      io.out << "stopped (it has no annotation 'reprise.dev/on-stop=checkpoint')\n";
      break;
    case Stopped::How::kUnknown:
      io.out << "stopped; whether with a checkpoint is not known\n";
      break;
  }
}

Result<int> stop_one(Context& context, const std::string& name, std::chrono::seconds limit) {
  const Stopped stopped =
      REPRISE_PASS(operations::stop(context.node, name, limit, context.progress));
  print(context.io, stopped);
  const bool may_lack =
      stopped.how == Stopped::How::kWithoutCheckpoint || stopped.how == Stopped::How::kUnknown;
  return may_lack && stopped.opted_in ? kNotAsAsked : kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("NAME", options->names, "containers, by name or id").required();
  arguments
      .add_option("-t,--time", options->time_s,
                  "seconds until Podman kills it; a checkpoint must be done by then")
      .show_default()
      .within(0, 1'000'000);
  return [options](Context& context) -> Result<int> {
    return for_each_name(context.io, options->names, "cannot stop", [&](const std::string& name) {
      return stop_one(context, name, std::chrono::seconds(options->time_s));
    });
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
