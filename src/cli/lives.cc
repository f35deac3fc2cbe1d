// SPDX-License-Identifier: Apache-2.0
#include "cli/lives.h"

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/containers.h"
#include "cli/json.h"
#include "cli/output.h"

namespace reprise::cli {
namespace {

using store::LifeEvent;

struct Options {
  std::string container;
  bool json = false;
};

// Of all containers that ever had this name: one that was made again has a key of its own.
Result<std::vector<store::LifeRow>> history_of(store::Catalog& catalog, const std::string& name) {
  std::vector<base::ContainerKey> keys;
  keys.push_back(REPRISE_PASS(find_key(catalog, name)));
  for (const store::ContainerRow& row : REPRISE_PASS(catalog.containers_named(name)))
    if (row.key != keys.front()) keys.push_back(row.key);
  std::vector<store::LifeRow> history;
  for (const base::ContainerKey& key : keys)
    for (store::LifeRow& row : REPRISE_PASS(catalog.lives(key))) history.push_back(std::move(row));
  std::ranges::stable_sort(history, {}, &store::LifeRow::time);
  return history;
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot show the lives of '" + options.container + "'";
  store::Catalog catalog = REPRISE_TRY(store::Catalog::open_existing(context.layout.store), cannot);
  const auto history = REPRISE_TRY(history_of(catalog, options.container), cannot);
  if (options.json)
    print_lives_json(context.io.out, history);
  else
    print_lives(context.io.out, history);
  return kDone;
}

Runner configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("CONTAINER", options->container, "by name or id; it may be gone")->required();
  app.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

std::int64_t cpu_time_kept(const std::vector<store::LifeRow>& history) {
  std::int64_t total = 0;
  std::int64_t stretch = 0;
  for (const store::LifeRow& row : history) {
    if (row.event == LifeEvent::kStarted) total += std::exchange(stretch, 0);
    if (row.event == LifeEvent::kRestored) stretch = std::max(stretch, row.cpu_time_us);
  }
  return total + stretch;
}

void print_lives(std::ostream& out, const std::vector<store::LifeRow>& history) {
  Table table(
      {"TIME", "CONTAINER", "EVENT", "CHECKPOINT", "TOOK", "FROZEN", "SIZE", "CPU TIME", "DETAIL"});
  for (const store::LifeRow& row : history) {
    const bool taken = row.event == LifeEvent::kCheckpointed;
    const bool restored = row.event == LifeEvent::kRestored;
    table.add({base::to_iso8601(row.time), short_id(row.key.str()),
               std::string(store::to_string(row.event)),
               row.checkpoint.empty() ? "-" : row.checkpoint.str(),
               restored ? format_duration(row.restore_ms) : "-",
               taken ? format_duration(row.freeze_ms) : "-", taken ? format_bytes(row.bytes) : "-",
               taken || restored ? format_duration(row.cpu_time_us / 1000) : "-", row.detail});
  }
  table.print(out);
  out << "CPU time that was not lost: " << format_duration(cpu_time_kept(history) / 1000) << '\n';
}

void print_lives_json(std::ostream& out, const std::vector<store::LifeRow>& history) {
  Json lives = Json::array();
  for (const store::LifeRow& row : history) lives.push_back(to_json(row));
  print_json(out, {{"lives", std::move(lives)}, {"cpu_time_kept_us", cpu_time_kept(history)}});
}

constinit const Command kLives = {
    .path = "lives",
    .summary = "Show a container's history",
    .details =
        R"(Each start, checkpoint, end and restore, and the CPU time that was not lost by the ends.

Example:
  reprise lives counter)",
    .configure = configure,
};

}  // namespace reprise::cli
