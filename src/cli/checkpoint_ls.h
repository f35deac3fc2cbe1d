// SPDX-License-Identifier: Apache-2.0
//
// Lists of checkpoints, for people and for programs.
#pragma once

#include <ostream>
#include <vector>

#include "store/catalog.h"

namespace reprise::cli {

void print_checkpoints(std::ostream& out, const std::vector<store::CheckpointRow>& rows,
                       base::UnixMillis now);
// {"checkpoints": […]}
void print_checkpoints_json(std::ostream& out, const std::vector<store::CheckpointRow>& rows);

}  // namespace reprise::cli
