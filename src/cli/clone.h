// SPDX-License-Identifier: Apache-2.0
//
// Making a container again and having it take up a checkpoint.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"
#include "cli/command.h"
#include "operations/clone_command.h"
#include "operations/start.h"

namespace reprise::cli {

struct CloneOutcome {
  podman::ContainerInfo container;
  operations::StartOutcome start;
};

// Makes the container of `checkpoint` again from the command that was recorded for it, changed as
// `wishes` say, and starts it from there. A stopped container of ours with that name is replaced;
// kBusy if that one runs, or is not ours. kNotFound if the command was never recorded,
// kInvalidInput for options that cannot work. After any error, everything is as it was before.
Result<CloneOutcome> clone_from(Context& context, catalog::Catalog& catalog,
                                const catalog::CheckpointRow& checkpoint,
                                const operations::CloneWishes& wishes);

}  // namespace reprise::cli
