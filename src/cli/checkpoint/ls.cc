// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint/ls.h"

#include <memory>

#include "cli/checkpoint/copies.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/store/checkpoint_list.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string container;
  std::string remote;
  bool json = false;
};

void print(const Options& options, Context& context,
           const std::vector<catalog::CheckpointRow>& rows, const Elsewhere* elsewhere) {
  if (options.json)
    print_checkpoints_json(context.io.out, rows, elsewhere);
  else
    print_checkpoints(context.io.out, rows, elsewhere, base::now_unix_millis());
}

Result<void> list_remote(const Options& options, Context& context) {
  const operations::RemoteCheckpointList there = REPRISE_PASS(
      operations::list_remote_checkpoints(context.node, options.remote, options.container));
  print(options, context, there.checkpoints, nullptr);
  if (!there.of_unknown_tag.empty())
    context.io.err << "note: whether '" << there.of_unknown_tag.front().str()
                   << "' has a tag there cannot be read, which is so of "
                   << there.of_unknown_tag.size() << '\n';
  if (!there.unreadable.empty())
    context.io.err
        << "note: " << there.unreadable.size() << " more, such as '"
        << there.unreadable.front().str()
        << "', cannot be read with this store's key; a store that has no checkpoints takes "
           "over the remote's key when it pulls one\n";
  return {};
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot list checkpoints";
  if (!options.remote.empty()) {
    REPRISE_TRY(list_remote(options, context), cannot);
    return kDone;
  }
  const operations::CheckpointList list =
      REPRISE_TRY(operations::list_checkpoints(context.node, options.container), cannot);
  if (!list.has_store) {
    print_no_store(context);
    if (options.json) print_checkpoints_json(context.io.out, {}, nullptr);
    return kDone;
  }
  const Elsewhere elsewhere{.copies = list.copies, .failing = list.failing};
  print(options, context, list.checkpoints, &elsewhere);
  print_unreadable_rows(context);
  print_failing_uploads(context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CONTAINER", options->container, "only those of this container");
  arguments.add_option("--remote", options->remote, "what lies at this remote, by name or URL");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

void print_checkpoints(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                       const Elsewhere* elsewhere, base::UnixMillis now) {
  Table table({"ID", "CONTAINER", "TAG", "PIN", "TRIGGER", "SIZE", "STORED", "FROZEN", "AGE",
               "NEXT START", "WHERE"});
  for (const catalog::CheckpointRow& row : rows)
    table.add({row.id.str(), row.name, row.tag.empty() ? "-" : row.tag, row.pinned ? "pinned" : "-",
               std::string(image::to_string(row.trigger)), format_bytes(row.bytes),
               row.stored_bytes ? format_bytes(*row.stored_bytes) : "-",
               format_duration(row.freeze_ms), base::to_age(row.created, now),
               row.pending ? "resumes" : "-",
               elsewhere == nullptr ? "remote" : places_of(*elsewhere, row.id)});
  table.print(out);
}

void print_checkpoints_json(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                            const Elsewhere* elsewhere) {
  Json checkpoints = Json::array();
  for (const catalog::CheckpointRow& row : rows) {
    checkpoints.push_back(to_json(row));
    if (elsewhere != nullptr) checkpoints.back()["copies"] = copies_json(*elsewhere, row.id);
  }
  print_json(out, {{"checkpoints", std::move(checkpoints)}});
}

constinit const Command kCheckpointLs = {
    .path = "checkpoint ls",
    .summary = "List checkpoints, newest first",
    .details =
        R"(NEXT START says "resumes" for a checkpoint that the next start of a container continues from; WHERE
names the remotes that have a copy as well, get one just now, or do not get one.
SIZE is that of its files, STORED what their pages take in the store, compressed, those included
that other checkpoints need as well.

Example:
  reprise checkpoint ls counter)",
    .configure = configure,
};

}  // namespace reprise::cli
