// SPDX-License-Identifier: Apache-2.0
//
// Why a container that is created has nothing to go on from, out of its history. Pure.
#pragma once

#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace reprise::runtime {

enum class Wanted : bool { kNo, kYes };

// For people; empty for a container that never had a checkpoint. `lives` is its history, oldest
// first, `checkpoints` those that are there, newest first; `cold`: somebody asked for it.
std::string cold_cause(const std::vector<catalog::LifeRow>& lives,
                       const std::vector<catalog::CheckpointRow>& checkpoints, Wanted cold);

}  // namespace reprise::runtime
