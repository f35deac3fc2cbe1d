// SPDX-License-Identifier: Apache-2.0
//
// Lists of checkpoints, for people and for programs.
#pragma once

#include <filesystem>
#include <ostream>
#include <span>
#include <vector>

#include "catalog/catalog.h"
#include "store/store_config.h"

namespace reprise::cli {

// Fills in what the catalog does not know yet (of imports, of checkpoints of older versions) from
// the checkpoints' files, and notes it there. What cannot be read stays unknown.
void find_stored_bytes(catalog::Catalog& catalog, const store::StoreConfig& config,
                       std::span<catalog::CheckpointRow> rows);

// `copies`: where else they are; null for a list of what lies at a remote.
void print_checkpoints(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                       const std::vector<catalog::Copy>* copies, base::UnixMillis now);
// {"checkpoints": […]}
void print_checkpoints_json(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                            const std::vector<catalog::Copy>* copies);

}  // namespace reprise::cli
