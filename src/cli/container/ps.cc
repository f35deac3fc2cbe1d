// SPDX-License-Identifier: Apache-2.0
#include "cli/container/ps.h"

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/container/filling.h"
#include "cli/json.h"
#include "cli/output.h"
#include "operations/container/containers.h"

namespace reprise::cli {
namespace {

struct Options {
  bool all = false;
  bool json = false;
};

Result<int> run(const Options& options, Context& context) {
  const operations::ContainerList list = REPRISE_TRY(
      operations::list_containers(context.node, options.all ? operations::ListScope::kAll
                                                            : operations::ListScope::kCurrent),
      "cannot list");
  if (!list.has_store) print_no_store(context);
  if (!list.without_podman.empty())
    context.io.err << "warning: Podman's containers are not known: " << list.without_podman << '\n';
  if (options.json)
    print_ps_json(context.io.out, list.containers);
  else
    print_ps(context.io.out, list.containers, base::now_unix_millis());
  print_unreadable_rows(context);
  print_set_aside(context);
  print_failing_uploads(context);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_flag("-a,--all", options->all, "also those that have ended for good");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

void print_ps(std::ostream& out, const std::vector<ListedContainer>& rows, base::UnixMillis now) {
  // Most lists have nothing to note.
  const bool notes =
      std::ranges::any_of(rows, [](const ListedContainer& row) { return !row.note.empty(); });
  std::vector<std::string> head = {"NAME",  "ID",         "STATE", "IMAGE",
                                   "LIVES", "CHECKPOINT", "SIZE",  "AGE"};
  if (notes) head.emplace_back("NOTE");
  Table table(std::move(head));
  for (const ListedContainer& row : rows) {
    std::vector<std::string> cells = {row.info.name,
                                      operations::short_id(row.info.id),
                                      row.state(),
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

void print_ps_json(std::ostream& out, const std::vector<ListedContainer>& rows) {
  Json containers = Json::array();
  for (const ListedContainer& row : rows)
    containers.push_back({{"name", row.info.name},
                          {"id", row.info.id},
                          {"state", row.state()},
                          {"status", row.info.status},
                          {"image", row.info.image_name},
                          {"opted_in", operations::is_opted_in(row.info)},
                          {"lives", row.lives},
                          {"pending", row.pending},
                          {"note", row.note},
                          {"filling", row.filling ? to_json(*row.filling) : Json(nullptr)},
                          {"last_checkpoint", row.last ? to_json(*row.last) : Json(nullptr)}});
  print_json(out, {{"containers", std::move(containers)}});
}

constinit const Command kPs = {
    .path = "ps",
    .summary = "List containers and their last checkpoints",
    .details =
        R"(Shows the containers under Reprise that run, and those that 'reprise start' would resume (state
"checkpointed"), those of Kubernetes' pods as NAMESPACE/POD/CONTAINER, and those that run although
Podman does not know it ("unnoticed"); "filling" are those that run before all of their memory is
there. LIVES counts starts and restores; NOTE says why one that has ended has no checkpoint to go on
from, or how much memory is missing.

Example:
  reprise ps --all)",
    .configure = configure,
};

}  // namespace reprise::cli
