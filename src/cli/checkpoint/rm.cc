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
};

Result<int> remove_here(Context& context, const std::vector<std::string>& names) {
  operations::Removal removal = REPRISE_PASS(operations::Removal::begin(context.node));
  const int status = for_each_name(
      context.io, names, "cannot remove", [&](const std::string& name) -> Result<int> {
        const base::CheckpointId id = REPRISE_PASS(removal.remove(name));
        context.io.out << id.str() << ": removed\n";
        return kDone;
      });
  const auto collected = removal.free_space();
  if (collected && collected->packs > 0)
    context.io.out << format_bytes(collected->bytes) << " freed\n";
  return status;
}

Result<int> remove_one_there(Context& context, operations::RemoteRemoval& removal,
                             const std::string& name) {
  const auto removed = REPRISE_PASS(removal.remove(name));
  context.io.out << removed.id.str() << (removed.was_there ? ": removed from '" : ": was not at '")
                 << removal.remote() << "'";
  if (removed.stays_away) context.io.out << "; only 'checkpoint push' brings it back there";
  context.io.out << '\n';
  return kDone;
}

Result<int> remove_there(Context& context, const Options& options) {
  auto removal = REPRISE_PASS(operations::RemoteRemoval::begin(context.node, *options.remote));
  return for_each_name(context.io, options.names, "cannot remove", [&](const std::string& name) {
    return remove_one_there(context, removal, name);
  });
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->names, "ids, unique beginnings of ids, or tags")
      .required();
  arguments.add_option("--remote", options->remote,
                       "remove them from this remote, by name or URL, and not from here");
  return [options](Context& context) {
    return options->remote ? remove_there(context, *options) : remove_here(context, options->names);
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
