// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/several_names.h"
#include "operations/store/removal.h"

namespace reprise::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  std::optional<std::string> remote;
  bool json = false;
};

Result<int> remove_here(Context& context, const Options& options) {
  operations::Removal removal = REPRISE_PASS(operations::Removal::begin(context.node));
  const int status = report_each_name(
      context.io, options.names, "cannot remove", Form(options.json), "removed",
      [&](const std::string& name) -> Result<NameResult> {
        const auto removed = REPRISE_PASS(removal.remove(name));
        const std::string id = removed.id.str();
        std::string lines = id + ": removed";
        if (!removed.continued_by.empty())
          lines += "; '" + removed.continued_by + "' would have gone on from it, and begins anew";
        return NameResult{
            .lines = lines + "\n",
            .record = {{"name", name}, {"id", id}, {"continued_by", removed.continued_by}}};
      });
  const auto collected = removal.free_space();
  if (collected && collected->packs > 0 && !options.json)
    context.io.out << format_bytes(collected->bytes) << " freed\n";
  return status;
}

Result<NameResult> remove_one_there(operations::RemoteRemoval& removal, const std::string& name) {
  const auto removed = REPRISE_PASS(removal.remove(name));
  NameResult result;
  result.lines = removed.id.str() + (removed.was_there ? ": removed from '" : ": was not at '") +
                 removal.remote() + "'";
  if (removed.stays_away) result.lines += "; only 'checkpoint push' brings it back there";
  result.lines += "\n";
  result.record = {{"name", name},
                   {"id", removed.id.str()},
                   {"remote", removal.remote()},
                   {"was_there", removed.was_there}};
  return result;
}

Result<int> remove_there(Context& context, const Options& options) {
  auto removal = REPRISE_PASS(operations::RemoteRemoval::begin(context.node, *options.remote));
  return report_each_name(context.io, options.names, "cannot remove", Form(options.json), "removed",
                          [&](const std::string& name) { return remove_one_there(removal, name); });
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->names, "ids, unique beginnings of ids, or tags")
      .required();
  arguments.add_option("--remote", options->remote,
                       "remove them from this remote, by name or URL, and not from here");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) {
    return options->remote ? remove_there(context, *options) : remove_here(context, *options);
  };
}

}  // namespace

constinit const Command kCheckpointRm = {
    .path = "checkpoint rm",
    .summary = "Remove checkpoints, here or at a remote",
    .details = R"(A container that would have continued from a removed checkpoint starts cold.

Removed here, copies at remotes stay. Removed from a remote, the checkpoint stays here, and is not
uploaded there again on its own; its packs there are freed by 'reprise store gc --remote'.

Example:
  reprise checkpoint rm before-upgrade
  reprise checkpoint rm --remote depot before-upgrade)",
    .configure = configure,
};

}  // namespace reprise::cli
