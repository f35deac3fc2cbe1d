// SPDX-License-Identifier: Apache-2.0
//
// Podman's containers joined with the catalog.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "host/filling.h"
#include "operations/node.h"
#include "podman/container_info.h"

namespace reprise::operations {

struct ListedContainer {
  podman::ContainerInfo info;
  int lives = 0;                               // starts and restores
  std::optional<catalog::CheckpointRow> last;  // its newest checkpoint
  bool pending = false;                        // its next start continues from a checkpoint
  std::string note;  // why it has no checkpoint to go on from, or runs unseen, or misses memory
  // It runs, and its memory is not all there yet.
  std::optional<host::FillingProgress> filling;

  // Podman's status, or "checkpointed": one that has ended and will go on is not just "exited";
  // or "filling".
  [[nodiscard]] std::string state() const;
};

enum class ListScope : std::uint8_t {
  kCurrent,  // those that run or that a start would resume
  kAll,      // all of ours
};

base::Result<std::vector<ListedContainer>> join_containers(
    const Node& node, catalog::Catalog& catalog, std::vector<podman::ContainerInfo> containers,
    ListScope scope);

struct ContainerList {
  bool has_store = false;  // else nothing is known but what Podman knows
  std::vector<ListedContainer> containers;
  // Why Podman's are not among them, on a node of Kubernetes that has a Podman which fails.
  std::string without_podman;
};

// Of this node, with those that run while Podman does not know it (unnoticed.h).
base::Result<ContainerList> list_containers(const Node& node, ListScope scope);

}  // namespace reprise::operations
