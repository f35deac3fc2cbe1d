// SPDX-License-Identifier: Apache-2.0
//
// Where copies of a checkpoint lie, as commands print it.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "cli/json.h"

namespace reprise::cli {

// "local", "local, depot (uploading)".
std::string places_of(const std::vector<catalog::Copy>& copies, const base::CheckpointId& id);

// The same as JSON: records with remote and state.
Json copies_json(const std::vector<catalog::Copy>& copies, const base::CheckpointId& id);

}  // namespace reprise::cli
