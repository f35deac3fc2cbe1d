// SPDX-License-Identifier: Apache-2.0
//
// Making a container again and having it take up a checkpoint.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "operations/container/clone_command.h"
#include "operations/container/start.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

struct CloneOutcome {
  podman::ContainerInfo container;
  StartOutcome start;
};

// Makes the container of `checkpoint` again from the command that was recorded for it, changed as
// `wishes` say, and starts it from there. A stopped container of ours with that name is replaced;
// kBusy if that one runs, or is not ours. kNotFound if the command was never recorded,
// kInvalidInput for options that cannot work. After any error, everything is as it was before.
base::Result<CloneOutcome> clone_from(const Node& node, catalog::Catalog& catalog,
                                      const catalog::CheckpointRow& checkpoint,
                                      const CloneWishes& wishes, Progress& progress);

}  // namespace reprise::operations
