// SPDX-License-Identifier: Apache-2.0
#include "cli/ps.h"

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/containers.h"
#include "operations/no_checkpoint.h"
#include "operations/unnoticed.h"
#include "podman/client.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

struct Options {
  bool all = false;
  bool json = false;
};

// A container that has ended with a checkpoint to continue from is not just "exited".
std::string state_of(const PsRow& row) {
  return row.pending && !row.info.has_tasks() ? "checkpointed" : row.info.status;
}

Result<std::vector<PsRow>> find_rows(const Options& options, Context& context) {
  std::vector<podman::ContainerInfo> containers = REPRISE_PASS(podman::list_all());
  const std::filesystem::path& root = context.node.layout.store;
  if (REPRISE_PASS(catalog::Catalog::exists(root))) {
    catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.node.store));
    return ps_rows(catalog, std::move(containers), options.all ? PsScope::kAll : PsScope::kCurrent);
  }
  print_no_store(context);
  std::vector<PsRow> rows;
  for (podman::ContainerInfo& info : containers)
    if ((operations::runs_under_reprise(info) || operations::is_opted_in(info)) &&
        (options.all || info.has_tasks()))
      rows.push_back({.info = std::move(info)});
  return rows;
}

// In its own row, whatever Podman says of it.
void add_unnoticed(std::vector<PsRow>& rows, const operations::Unnoticed& one) {
  auto row = std::ranges::find(rows, one.id, [](const PsRow& r) { return r.info.id; });
  if (row == rows.end()) {
    PsRow added{.info = {.id = one.id, .name = one.name}};
    if (added.info.name.empty()) added.info.name = operations::short_id(one.id);
    row = rows.insert(rows.end(), std::move(added));
  }
  row->info.status = "unnoticed";
  row->pending = false;
  row->note = one.text() + ": " + one.remedy();
}

Result<int> run(const Options& options, Context& context) {
  std::vector<PsRow> rows = REPRISE_TRY(find_rows(options, context), "cannot list");
  for (const operations::Unnoticed& one : operations::find_unnoticed()) add_unnoticed(rows, one);
  if (options.json)
    print_ps_json(context.io.out, rows);
  else
    print_ps(context.io.out, rows, base::now_unix_millis());
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_flag("-a,--all", options->all, "also those that have ended for good");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

Result<std::vector<PsRow>> ps_rows(catalog::Catalog& catalog,
                                   std::vector<podman::ContainerInfo> containers, PsScope scope) {
  std::vector<PsRow> rows;
  for (podman::ContainerInfo& info : containers) {
    if (!operations::runs_under_reprise(info) && !operations::is_opted_in(info)) continue;
    PsRow row{.info = std::move(info)};
    const base::ContainerKey key = operations::key_of(row.info);
    for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives(key)))
      if (life.event == catalog::LifeEvent::kStarted || life.event == catalog::LifeEvent::kRestored)
        ++row.lives;
    auto checkpoints = REPRISE_PASS(catalog.checkpoints(key));
    if (!checkpoints.empty()) row.last = std::move(checkpoints.front());
    row.pending = REPRISE_PASS(catalog.continuation(key)).has_value();
    if (scope == PsScope::kCurrent && !row.info.has_tasks() && !row.pending) continue;
    if (!row.info.has_tasks() && !row.pending && row.lives > 0)
      row.note = REPRISE_PASS(operations::why_no_checkpoint(catalog, row.info)).reason;
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_ps(std::ostream& out, const std::vector<PsRow>& rows, base::UnixMillis now) {
  // Most lists have nothing to note.
  const bool notes = std::ranges::any_of(rows, [](const PsRow& row) { return !row.note.empty(); });
  std::vector<std::string> head = {"NAME",  "ID",         "STATE", "IMAGE",
                                   "LIVES", "CHECKPOINT", "SIZE",  "AGE"};
  if (notes) head.emplace_back("NOTE");
  Table table(std::move(head));
  for (const PsRow& row : rows) {
    std::vector<std::string> cells = {row.info.name,
                                      operations::short_id(row.info.id),
                                      state_of(row),
                                      row.info.image_name,
                                      std::to_string(row.lives),
                                      row.last ? row.last->id.str() : "-",
                                      row.last ? format_bytes(row.last->bytes) : "-",
                                      row.last ? base::to_age(row.last->created, now) : "-"};
    if (notes) cells.push_back(row.note);
    table.add(std::move(cells));
  }
  table.print(out);
}

void print_ps_json(std::ostream& out, const std::vector<PsRow>& rows) {
  Json containers = Json::array();
  for (const PsRow& row : rows)
    containers.push_back({{"name", row.info.name},
                          {"id", row.info.id},
                          {"state", state_of(row)},
                          {"status", row.info.status},
                          {"image", row.info.image_name},
                          {"opted_in", operations::is_opted_in(row.info)},
                          {"lives", row.lives},
                          {"pending", row.pending},
                          {"note", row.note},
                          {"last_checkpoint", row.last ? to_json(*row.last) : Json(nullptr)}});
  print_json(out, {{"containers", std::move(containers)}});
}

constinit const Command kPs = {
    .path = "ps",
    .summary = "List containers and their last checkpoints",
    .details =
        R"(Shows the containers under Reprise that run, and those that 'reprise start' would resume (state
"checkpointed"), and those that run although Podman does not know it ("unnoticed"). LIVES counts starts
and restores; NOTE says why one that has ended has no checkpoint to go on from.

Example:
  reprise ps --all)",
    .configure = configure,
};

}  // namespace reprise::cli
