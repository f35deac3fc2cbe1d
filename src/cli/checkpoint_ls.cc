// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint_ls.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <ranges>

#include "cli/command.h"
#include "cli/copies.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/containers.h"
#include "operations/remotes.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "transfer/transfer.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string container;
  std::string remote;
  bool json = false;
};

catalog::CheckpointRow row_of(const image::Manifest& manifest) {
  std::uint64_t bytes = 0;
  for (const image::ManifestFile& file : manifest.files) bytes += file.bytes;
  return {.id = manifest.id,
          .key = manifest.key,
          .name = manifest.name,
          .trigger = manifest.trigger,
          .ended = manifest.ended,
          .created = manifest.created,
          .freeze_ms = manifest.freeze_ms,
          .bytes = bytes,
          .cpu_time_us = manifest.cpu_time_us};
}

// What lies there, whether it is here as well or not.
Result<void> list_remote(const Options& options, Context& context) {
  const operations::OpenRemote remote =
      REPRISE_PASS(operations::open_named(context.node, options.remote));
  std::vector<catalog::CheckpointRow> rows;
  const transfer::RemoteCheckpoints there =
      REPRISE_PASS(transfer::remote_checkpoints(context.node.store, *remote.objects));
  for (const image::Manifest& manifest : there.manifests) rows.push_back(row_of(manifest));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.node.store));
  for (catalog::CheckpointRow& row : rows)
    if (row.name.empty()) row.name = operations::name_of(catalog, row.key);
  std::erase_if(rows, [&](const catalog::CheckpointRow& row) {
    return !options.container.empty() && row.name != options.container &&
           row.key.str() != options.container;
  });
  std::ranges::sort(rows, std::ranges::greater(), &catalog::CheckpointRow::created);
  if (options.json)
    print_checkpoints_json(context.io.out, rows, nullptr);
  else
    print_checkpoints(context.io.out, rows, nullptr, base::now_unix_millis());
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
  std::vector<catalog::CheckpointRow> rows;
  if (options.container.empty() &&
      !REPRISE_TRY(catalog::Catalog::exists(context.node.layout.store), cannot)) {
    print_no_store(context);
    if (options.json) print_checkpoints_json(context.io.out, rows, nullptr);
    return kDone;
  }
  catalog::Catalog catalog = REPRISE_TRY(store::open_existing_catalog(context.node.store), cannot);
  if (options.container.empty()) {
    rows = REPRISE_TRY(catalog.checkpoints(), cannot);
  } else {
    for (const auto& key : REPRISE_TRY(operations::find_keys(catalog, options.container), cannot))
      std::ranges::move(REPRISE_TRY(catalog.checkpoints(key), cannot), std::back_inserter(rows));
    std::ranges::sort(rows, std::ranges::greater(), &catalog::CheckpointRow::created);
  }
  find_stored_bytes(catalog, context.node.store, rows);
  // A stop does not know the container's name; the catalog does.
  for (catalog::CheckpointRow& row : rows)
    if (row.name.empty()) row.name = operations::name_of(catalog, row.key);
  const std::vector<catalog::Copy> copies = REPRISE_TRY(catalog.copies(), cannot);
  if (options.json)
    print_checkpoints_json(context.io.out, rows, &copies);
  else
    print_checkpoints(context.io.out, rows, &copies, base::now_unix_millis());
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

void find_stored_bytes(catalog::Catalog& catalog, const store::StoreConfig& config,
                       std::span<catalog::CheckpointRow> rows) {
  const auto unknown = [](const catalog::CheckpointRow& row) { return !row.stored_bytes; };
  if (std::ranges::none_of(rows, unknown)) return;
  const auto checkpoints = store::open_store(config);
  if (!checkpoints) return;
  for (catalog::CheckpointRow& row : rows | std::views::filter(unknown)) {
    const Result<std::uint64_t> bytes = (*checkpoints)->stored_bytes(row.id);
    if (!bytes) continue;
    row.stored_bytes = *bytes;
    // Else it is found again the next time.
    (void)catalog.note_stored_bytes(row.id, *bytes);
  }
}

void print_checkpoints(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                       const std::vector<catalog::Copy>* copies, base::UnixMillis now) {
  Table table({"ID", "CONTAINER", "TAG", "PIN", "TRIGGER", "SIZE", "STORED", "FROZEN", "AGE",
               "NEXT START", "WHERE"});
  for (const catalog::CheckpointRow& row : rows)
    table.add({row.id.str(), row.name, row.tag.empty() ? "-" : row.tag, row.pinned ? "pinned" : "-",
               std::string(image::to_string(row.trigger)), format_bytes(row.bytes),
               row.stored_bytes ? format_bytes(*row.stored_bytes) : "-",
               format_duration(row.freeze_ms), base::to_age(row.created, now),
               row.pending ? "resumes" : "-",
               copies == nullptr ? "remote" : places_of(*copies, row.id)});
  table.print(out);
}

void print_checkpoints_json(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                            const std::vector<catalog::Copy>* copies) {
  Json checkpoints = Json::array();
  for (const catalog::CheckpointRow& row : rows) {
    checkpoints.push_back(to_json(row));
    if (copies != nullptr) checkpoints.back()["copies"] = copies_json(*copies, row.id);
  }
  print_json(out, {{"checkpoints", std::move(checkpoints)}});
}

constinit const Command kCheckpointLs = {
    .path = "checkpoint ls",
    .summary = "List checkpoints, newest first",
    .details =
        R"(NEXT START says "resumes" for a checkpoint that the next start of a container continues from; WHERE
names the remotes that have a copy as well.
SIZE is that of its files, STORED what their pages take in the store, compressed, those included
that other checkpoints need as well.

Example:
  reprise checkpoint ls counter)",
    .configure = configure,
};

}  // namespace reprise::cli
