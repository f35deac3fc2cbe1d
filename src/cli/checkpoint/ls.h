// SPDX-License-Identifier: Apache-2.0
//
// Lists of checkpoints, for people and for programs.
#pragma once

#include <ostream>
#include <vector>

#include "catalog/catalog.h"
#include "cli/checkpoint/copies.h"

namespace reprise::cli {

// `elsewhere`: where else they are; null for a list of what lies at a remote.
void print_checkpoints(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                       const Elsewhere* elsewhere, base::UnixMillis now);
// {"checkpoints": […]}
void print_checkpoints_json(std::ostream& out, const std::vector<catalog::CheckpointRow>& rows,
                            const Elsewhere* elsewhere);

}  // namespace reprise::cli
