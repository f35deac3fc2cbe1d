// SPDX-License-Identifier: Apache-2.0
//
// Containers of Kubernetes' pods that run on this node under Reprise: Podman knows nothing of them.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "host/pods.h"
#include "operations/container/container_list.h"
#include "operations/node.h"

namespace reprise::operations {

// Whether an agent or pods have been here: then nobody need have Podman.
bool is_pod_node(const Node& node);

// Those that opted in. `catalog` may be null. `root`: where runc remembers them.
base::Result<std::vector<ListedContainer>> list_pod_containers(
    const Node& node, catalog::Catalog* catalog,
    const std::filesystem::path& root = host::kRootOfPods);

}  // namespace reprise::operations
