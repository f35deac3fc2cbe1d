// SPDX-License-Identifier: Apache-2.0
//
// Starting a container and saying whether it took up where it was.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "cli/command.h"
#include "podman/container_info.h"

namespace reprise::cli {

// How a container came to run.
struct StartOutcome {
  std::optional<catalog::LifeRow> restored;  // from which checkpoint, and how long it took
  std::string reason;                        // why not, if it started cold
  std::string hint;
};

// `podman start`, with progress. Errors are Podman's: the container does not run then.
Result<StartOutcome> start_container(Context& context, catalog::Catalog& catalog,
                                     const podman::ContainerInfo& info);

// "NAME: resumed from checkpoint … in 0.31 s" or "NAME: started cold: …"; to stderr a line with
// what did not come back, or with what to do.
void print_start(Context& context, const std::string& name, const StartOutcome& outcome);

}  // namespace reprise::cli
