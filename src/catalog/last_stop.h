// SPDX-License-Identifier: Apache-2.0
//
// How a container's last life ended, out of its history. Pure.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace reprise::catalog {

// The checkpoint with which the last of `lives` (oldest first) ended; empty if it did so without.
base::CheckpointId last_stop(const std::vector<LifeRow>& lives);

// Why nothing goes on from that one, for people: `checkpoints` are those that are there.
std::string why_not_from(const base::CheckpointId& last,
                         const std::vector<CheckpointRow>& checkpoints);

}  // namespace reprise::catalog
