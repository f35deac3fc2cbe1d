// SPDX-License-Identifier: Apache-2.0
#include "cli/checkpoint_ls.h"

#include <memory>

#include "cli/command.h"
#include "cli/containers.h"
#include "cli/json.h"
#include "cli/output.h"

namespace reprise::cli {
namespace {

struct Options {
  std::string container;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot list checkpoints";
  store::Catalog catalog = REPRISE_TRY(store::Catalog::open(context.layout.store), cannot);
  std::vector<store::CheckpointRow> rows;
  if (options.container.empty()) {
    rows = REPRISE_TRY(catalog.checkpoints(), cannot);
  } else {
    const base::ContainerKey key = REPRISE_TRY(find_key(catalog, options.container), cannot);
    rows = REPRISE_TRY(catalog.checkpoints(key), cannot);
  }
  // A stop does not know the container's name; the catalog does.
  for (store::CheckpointRow& row : rows)
    if (row.name.empty()) row.name = name_of(catalog, row.key);
  if (options.json)
    print_checkpoints_json(context.io.out, rows);
  else
    print_checkpoints(context.io.out, rows, base::now_unix_millis());
  return kDone;
}

Runner configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("CONTAINER", options->container, "only those of this container");
  app.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

void print_checkpoints(std::ostream& out, const std::vector<store::CheckpointRow>& rows,
                       base::UnixMillis now) {
  Table table({"ID", "CONTAINER", "TAG", "TRIGGER", "SIZE", "FROZEN", "AGE", "NEXT START"});
  for (const store::CheckpointRow& row : rows)
    table.add({row.id.str(), row.name, row.tag.empty() ? "-" : row.tag,
               std::string(image::to_string(row.trigger)), format_bytes(row.bytes),
               format_duration(row.freeze_ms), base::to_age(row.created, now),
               row.pending ? "resumes" : "-"});
  table.print(out);
}

void print_checkpoints_json(std::ostream& out, const std::vector<store::CheckpointRow>& rows) {
  Json checkpoints = Json::array();
  for (const store::CheckpointRow& row : rows) checkpoints.push_back(to_json(row));
  print_json(out, {{"checkpoints", std::move(checkpoints)}});
}

constinit const Command kCheckpointLs = {
    .path = "checkpoint ls",
    .summary = "List checkpoints, newest first",
    .details =
        R"(NEXT START says "resumes" for a checkpoint that the next start of a container continues from.

Example:
  reprise checkpoint ls counter)",
    .configure = configure,
};

}  // namespace reprise::cli
