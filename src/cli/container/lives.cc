// SPDX-License-Identifier: Apache-2.0
#include "cli/container/lives.h"

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/container/filling.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/container/containers.h"
#include "operations/container/history.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using catalog::LifeEvent;

struct Options {
  std::string container;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot show the lives of '" + options.container + "'";
  catalog::Catalog catalog = REPRISE_TRY(store::open_existing_catalog(context.node.store), cannot);
  const auto history = REPRISE_TRY(operations::history_of(catalog, options.container), cannot);
  const auto fillings = find_fillings(context, [&](const host::WorkerRequest& request) {
    return std::ranges::find(history, host::key_of(request), &catalog::LifeRow::key) !=
           history.end();
  });
  if (options.json) {
    print_lives_json(context.io.out, history, fillings);
  } else {
    print_lives(context.io.out, history);
    print_fillings(context.io.out, fillings);
  }
  print_unreadable_rows(context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CONTAINER", options->container, "by name or id; it may be gone").required();
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

void print_lives(std::ostream& out, const std::vector<catalog::LifeRow>& history) {
  Table table(
      {"TIME", "CONTAINER", "EVENT", "CHECKPOINT", "TOOK", "FROZEN", "SIZE", "CPU TIME", "DETAIL"});
  for (const catalog::LifeRow& row : history) {
    const bool taken = row.event == LifeEvent::kCheckpointed && !row.checkpoint.empty();
    const bool restored = row.event == LifeEvent::kRestored;
    table.add({base::to_iso8601(row.time), operations::short_id(row.key.str()),
               operations::event_name(row), row.checkpoint.empty() ? "-" : row.checkpoint.str(),
               restored ? format_duration(row.restore_ms) : "-",
               taken ? format_duration(row.freeze_ms) : "-", taken ? format_bytes(row.bytes) : "-",
               taken || restored ? format_duration(row.cpu_time_us / 1000) : "-", row.detail});
  }
  table.print(out);
  out << "CPU time that was not lost: "
      << format_duration(operations::cpu_time_kept(history) / 1000) << '\n';
}

void print_lives_json(std::ostream& out, const std::vector<catalog::LifeRow>& history,
                      const std::vector<host::UnderWay>& fillings) {
  Json lives = Json::array();
  for (const catalog::LifeRow& row : history) lives.push_back(to_json(row));
  print_json(out, {{"lives", std::move(lives)},
                   {"filling", to_json(fillings)},
                   {"cpu_time_kept_us", operations::cpu_time_kept(history)}});
}

constinit const Command kLives = {
    .path = "lives",
    .summary = "Show a container's history",
    .details =
        R"(Each start, checkpoint, end and restore, checkpoints that failed, and the CPU time that was not lost by
the ends; and how much memory is missing, where the container still gets it after a restore.

Example:
  reprise lives counter)",
    .configure = configure,
};

}  // namespace reprise::cli
