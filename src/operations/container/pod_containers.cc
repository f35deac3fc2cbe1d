// SPDX-License-Identifier: Apache-2.0
#include "operations/container/pod_containers.h"

#include <algorithm>

#include "host/agent_link.h"
#include "host/identity.h"
#include "oci/annotations.h"
#include "oci/cri.h"
#include "oci/runtime.h"
#include "sys/process.h"

namespace reprise::operations {

using base::Result;

namespace {

bool is_there(const std::filesystem::path& path) {
  std::error_code unknown;
  return std::filesystem::exists(path, unknown);
}

Result<void> add_history(catalog::Catalog& catalog, const base::ContainerKey& key,
                         ListedContainer& row) {
  for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives(key)))
    if (life.event == catalog::LifeEvent::kStarted || life.event == catalog::LifeEvent::kRestored)
      ++row.lives;
  auto checkpoints = REPRISE_PASS(catalog.checkpoints(key));
  if (!checkpoints.empty()) row.last = std::move(checkpoints.front());
  return {};
}

}  // namespace

bool is_pod_node(const Node& node) {
  return is_there(host::agent_socket_of(node.layout)) || is_there(host::kRootOfPods);
}

Result<std::vector<ListedContainer>> list_pod_containers(const Node& node,
                                                         catalog::Catalog* catalog,
                                                         const std::filesystem::path& root) {
  const oci::Runtime runtime{.program = node.layout.runc, .state_args = {"--root", root.string()}};
  std::vector<ListedContainer> rows;
  std::error_code error;
  std::filesystem::directory_iterator entry(root, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto id = base::ContainerId::parse(entry->path().filename().string());
    if (!id) continue;  // not runc's
    const auto state = runtime.state_of(*id);
    if (!state || !sys::is_alive(state->init)) continue;  // gone since, or about to go
    const auto pod = oci::pod_container(state->annotations);
    const auto wishes = oci::parse_wishes(state->annotations);
    const bool is_container = pod && pod->kind == oci::PodContainer::Kind::kContainer;
    if (!is_container || !wishes || !wishes->opts_in()) continue;
    const auto who = host::identify(runtime.state_args, *id, oci::key_name(state->annotations));
    // Others that containerd has runc run may have the annotations as well.
    if (!is_there(node.layout.marker_of(who))) continue;
    ListedContainer row;
    row.info.id = id->str();
    row.info.name = oci::full_name(*pod);
    row.info.status = "running";
    row.info.pid = state->init.pid;
    row.info.annotations = state->annotations;
    const auto image = state->annotations.find("io.kubernetes.cri.image-name");
    if (image != state->annotations.end()) row.info.image_name = image->second;
    if (catalog != nullptr) REPRISE_PASS(add_history(*catalog, who.key, row));
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, {}, [](const ListedContainer& row) { return row.info.name; });
  return rows;
}

}  // namespace reprise::operations
