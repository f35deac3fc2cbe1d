// SPDX-License-Identifier: Apache-2.0
#include "operations/container/container_list.h"

#include <algorithm>
#include <optional>

#include "operations/container/containers.h"
#include "operations/container/no_checkpoint.h"
#include "operations/container/pod_containers.h"
#include "operations/container/unnoticed.h"
#include "podman/client.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

namespace {

// In its own row, whatever Podman says of it.
void add_unnoticed(std::vector<ListedContainer>& rows, const Unnoticed& one) {
  auto row = std::ranges::find(rows, one.id, [](const ListedContainer& r) { return r.info.id; });
  if (row == rows.end()) {
    ListedContainer added{.info = {.id = one.id, .name = one.name}};
    if (added.info.name.empty()) added.info.name = short_id(one.id);
    row = rows.insert(rows.end(), std::move(added));
  }
  row->info.status = "unnoticed";
  row->pending = false;
  row->note = one.text() + ": " + one.remedy();
}

// What a checkpoint of it would wait for. One that nobody fills any more is settled by each
// command.
void add_filling(const Node& node, ListedContainer& row) {
  if (!row.info.has_tasks()) return;
  const auto who = host::identify({}, row.info.container());
  const auto filling = host::is_filling(node.layout, who);
  if (!filling || *filling != host::Filling::kUnderWay) return;
  const auto progress = host::filling_progress(node.layout, who);
  if (progress) row.note = host::describe(*progress);
  row.filling = progress.value_or(host::FillingProgress());
}

}  // namespace

std::string ListedContainer::state() const {
  if (filling && info.status == "running") return "filling";
  return pending && !info.has_tasks() ? "checkpointed" : info.status;
}

Result<std::vector<ListedContainer>> join_containers(const Node& node, catalog::Catalog& catalog,
                                                     std::vector<podman::ContainerInfo> containers,
                                                     ListScope scope) {
  std::vector<ListedContainer> rows;
  for (podman::ContainerInfo& info : containers) {
    if (!runs_under_reprise(node, info) && !is_opted_in(info)) continue;
    ListedContainer row{.info = std::move(info)};
    const base::ContainerKey key = key_of(row.info);
    for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives(key)))
      if (life.event == catalog::LifeEvent::kStarted || life.event == catalog::LifeEvent::kRestored)
        ++row.lives;
    auto checkpoints = REPRISE_PASS(catalog.checkpoints(key));
    if (!checkpoints.empty()) row.last = std::move(checkpoints.front());
    row.pending = REPRISE_PASS(catalog.continuation(key)).has_value();
    if (scope == ListScope::kCurrent && !row.info.has_tasks() && !row.pending) continue;
    if (!row.info.has_tasks() && !row.pending && row.lives > 0)
      row.note = REPRISE_PASS(why_no_checkpoint(catalog, row.info)).reason;
    add_filling(node, row);
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<ContainerList> list_containers(const Node& node, ListScope scope) {
  auto containers = podman::list_all();
  ContainerList list;
  // A node of Kubernetes need not have Podman, nor one that works.
  if (!containers && is_pod_node(node)) {
    if (containers.error().code() != ErrorCode::kUnsupported)
      list.without_podman = containers.error().message();
    containers = std::vector<podman::ContainerInfo>();
  }
  if (!containers) return std::unexpected(std::move(containers).error());
  list.has_store = REPRISE_PASS(catalog::Catalog::exists(node.layout.store));
  std::optional<catalog::Catalog> catalog;
  if (list.has_store) {
    catalog = REPRISE_PASS(store::open_catalog(node.store));
    list.containers = REPRISE_PASS(join_containers(node, *catalog, *std::move(containers), scope));
  } else {
    for (podman::ContainerInfo& info : *containers)
      if ((runs_under_reprise(node, info) || is_opted_in(info)) &&
          (scope == ListScope::kAll || info.has_tasks()))
        list.containers.push_back({.info = std::move(info)});
  }
  for (ListedContainer& one :
       REPRISE_PASS(list_pod_containers(node, catalog ? &*catalog : nullptr)))
    list.containers.push_back(std::move(one));
  for (const Unnoticed& one : find_unnoticed()) add_unnoticed(list.containers, one);
  return list;
}

}  // namespace reprise::operations
