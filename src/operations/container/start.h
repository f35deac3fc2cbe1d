// SPDX-License-Identifier: Apache-2.0
//
// Starting a container and saying whether it took up where it was.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "podman/container_info.h"

namespace reprise::operations {

// How a container came to run.
struct StartOutcome {
  std::optional<catalog::LifeRow> restored;  // from which checkpoint, and how long it took
  std::string reason;                        // why not, if it started cold
  std::string hint;
};

// `podman start`, with progress. Errors are Podman's: the container does not run then.
base::Result<StartOutcome> start_container(catalog::Catalog& catalog,
                                           const podman::ContainerInfo& info, Progress& progress);

enum class StartFrom : unsigned char {
  kCheckpoint,  // if there is one; one that cannot be restored now keeps the container from
                // starting
  kBeginning,   // on purpose: what it would have gone on from stays in the store
};

struct Started {
  std::string name;
  std::optional<StartOutcome> outcome;  // nullopt: it runs already
};

// Of one of our containers, by name or id. kNotFound, kInvalidInput for one that is not ours; kBusy
// for one that runs and is to begin anew. Works without a store, which makes it a cold start.
base::Result<Started> start(const Node& node, const std::string& container, StartFrom from,
                            Progress& progress);

}  // namespace reprise::operations
