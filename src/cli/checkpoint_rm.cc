// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>

#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/each.h"
#include "cli/output.h"
#include "operations/transfer.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::CheckpointId;
using base::ErrorCode;

struct Options {
  std::vector<std::string> names;
  std::optional<std::string> remote;
};

// The row goes first: a checkpoint that is half removed must not be restorable.
Result<int> remove_one(Context& context, store::CheckpointStore& checkpoints,
                       const std::string& name) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  const catalog::CheckpointRow row = REPRISE_PASS(catalog.find_checkpoint(name));
  REPRISE_PASS(catalog.remove_checkpoint(row.id));
  REPRISE_PASS(checkpoints.remove(row.id));
  context.io.out << row.id.str() << ": removed\n";
  return kDone;
}

Result<int> remove_all(Context& context, const std::vector<std::string>& names) {
  const auto checkpoints = REPRISE_PASS(store::open_store(context.node.store));
  const int status = for_each_name(
      context.io, names, "cannot remove",
      [&](const std::string& name) { return remove_one(context, *checkpoints, name); });
  // Pages that others share stay; what runs now may keep the rest for a while.
  const auto collected = checkpoints->collect(kGcPatience);
  if (collected && collected->packs > 0)
    context.io.out << format_bytes(collected->bytes) << " freed\n";
  return status;
}

// --- at a remote

// A tag is ours; else what lies there counts, and what only the catalog believes to lie there.
Result<CheckpointId> find_there(catalog::Catalog& catalog, const operations::OpenRemote& remote,
                                const std::string& name) {
  const auto here = catalog.find_checkpoint(name);
  if (here && here->tag == name) return here->id;
  auto there = transfer::find_remote_checkpoint(name, *remote.objects);
  if (!there && there.error().code() == ErrorCode::kNotFound && here) return here->id;
  return there;
}

// The catalog first: what it calls a copy may be counted on.
Result<int> remove_one_there(Context& context, const operations::OpenRemote& remote,
                             const std::string& name) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(context.node.store));
  const CheckpointId id = REPRISE_PASS(find_there(catalog, remote, name));
  const std::vector<std::string> aliases = operations::names_of(context.node, remote);
  for (const std::string& alias : aliases) REPRISE_PASS(catalog.note_removed_copy(id, alias));
  const bool was_there = REPRISE_PASS(transfer::remove_remote_checkpoint(id, *remote.objects));
  context.io.out << id.str() << (was_there ? ": removed from '" : ": was not at '") << remote.name
                 << "'";
  const auto uploads = context.config->upload_remotes();
  const auto goes_there = [&](const std::string& alias) {
    return std::ranges::find(uploads, alias) != uploads.end();
  };
  const auto row = catalog.find_checkpoint(id.str());
  if (row && row->id == id && std::ranges::any_of(aliases, goes_there))
    context.io.out << "; only 'checkpoint push' brings it back there";
  context.io.out << '\n';
  return kDone;
}

Result<int> remove_all_there(Context& context, const Options& options) {
  const operations::OpenRemote remote =
      REPRISE_PASS(operations::open_to_change(context.node, *options.remote));
  return for_each_name(context.io, options.names, "cannot remove", [&](const std::string& name) {
    return remove_one_there(context, remote, name);
  });
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CHECKPOINT", options->names, "ids, unique beginnings of ids, or tags")
      .required();
  arguments.add_option("--remote", options->remote,
                       "remove them from this remote, by name or URL, and not from here");
  return [options](Context& context) {
    return options->remote ? remove_all_there(context, *options)
                           : remove_all(context, options->names);
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
