// SPDX-License-Identifier: Apache-2.0
//
// What newer checkpoints have superseded at a remote.
#pragma once

#include "catalog/retention.h"
#include "cli/command.h"
#include "operations/transfer.h"

namespace reprise::cli {

// Removes checkpoints that this store pushed there and that `policy`, which has no maximum, does
// not keep; those stay that are tagged, there or here, and those that are pinned or continued from
// here. Packs stay, until a gc there. kUnsupported for a maximum.
Result<catalog::Decision> prune_remote(const Context& context, catalog::Catalog& catalog,
                                       const operations::OpenRemote& remote,
                                       const catalog::Retention& policy, bool dry_run);

}  // namespace reprise::cli
