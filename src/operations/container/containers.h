// SPDX-License-Identifier: Apache-2.0
//
// Podman's containers as operations see them: which are ours, and what is recorded of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "podman/container_info.h"

namespace reprise::operations {

using base::Result;

// What outlives its runs: the container's id, or the name that an annotation gives it, or that it
// has by the labels of what makes it anew each time (host/identity.h). That of its last start,
// as the runtime wrote it down; of one that never ran, what its first start will decide.
base::ContainerKey key_of(const podman::ContainerInfo& info);

// The container that Podman has under `key`, by its id or the name that is recorded for it. nullopt
// if there is none.
Result<std::optional<podman::ContainerInfo>> container_with(catalog::Catalog& catalog,
                                                            const base::ContainerKey& key);

// Whether its OCI runtime is ours, however it was named: "reprise", a path to reprise-runtime, or
// what the node was told.
bool runs_under_reprise(const Node& node, const podman::ContainerInfo& info);
// Whether its annotation asks for a checkpoint at every stop.
bool is_opted_in(const podman::ContainerInfo& info);

// Looks a container up in Podman. kNotFound; kInvalidInput, with a hint, for one that is not ours.
Result<podman::ContainerInfo> find_our_container(const Node& node, const std::string& name);

// What the catalog keeps of a container after it is gone. kUnsupported if the image cannot be
// found in the command that made it.
Result<catalog::ContainerRow> container_row(const podman::ContainerInfo& info);

// Keeps the command that made the container, so that `restore` can make it again.
Result<void> record_container(catalog::Catalog& catalog, const podman::ContainerInfo& info);

// What it means that this could not be done.
void warn_unrecorded(Progress& progress, const base::Error& why);

// The key behind a container's name, id or key: of the one that exists, else of the newest that
// did. kNotFound if neither Podman nor the catalog knows the name.
Result<base::ContainerKey> find_key(catalog::Catalog& catalog, const std::string& name);

// The same, and behind it the keys of all others that ever had this name: one that was made again
// has another key, and the past of the earlier ones is still its past.
Result<std::vector<base::ContainerKey>> find_keys(catalog::Catalog& catalog,
                                                  const std::string& name);

// Drops what waits for containers that Podman does not have any more (--rm): no start can take it
// up, and it would keep its checkpoint for ever. Those of other engines are left alone.
Result<void> forget_gone(catalog::Catalog& catalog);

// The first 12 characters, as Podman shows ids; the whole of a key that is more than an id.
std::string short_id(std::string_view id);

// A name for messages, also for containers that are gone.
std::string name_of(catalog::Catalog& catalog, const base::ContainerKey& key);

}  // namespace reprise::operations
