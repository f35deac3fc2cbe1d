// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoint people mean.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/catalog.h"

namespace reprise::operations {

// By id, unique beginning of one, or tag; or the newest of the container that has this name, id or
// key, of one that is gone, too. kNotFound, with a hint; kInvalidInput if it begins several ids and
// names no container, or if it is the tag or beginning of one and the name of a container whose
// newest is another. Asks Podman unless it is a whole id.
base::Result<catalog::CheckpointRow> find_named_checkpoint(catalog::Catalog& catalog,
                                                           const std::string& name);

}  // namespace reprise::operations
