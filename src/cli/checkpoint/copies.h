// SPDX-License-Identifier: Apache-2.0
//
// Where copies of a checkpoint lie, as commands print it.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "cli/json.h"
#include "operations/transfer/upload_failures.h"

namespace reprise::cli {

// What is known of all checkpoints.
struct Elsewhere {
  const std::vector<catalog::Copy>& copies;
  const std::vector<operations::UploadFailure>& failing;
};

// "local", "local, depot (uploading)", "local, depot (upload fails)".
std::string places_of(const Elsewhere& elsewhere, const base::CheckpointId& id);

// The same as JSON: records with remote and state ("there", "uploading", "failing").
Json copies_json(const Elsewhere& elsewhere, const base::CheckpointId& id);

}  // namespace reprise::cli
