// SPDX-License-Identifier: Apache-2.0
//
// Who holds a continuation, as the catalog's table records it.
#pragma once

#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "sys/process.h"

struct sqlite3;

namespace reprise::catalog {

struct ClaimState {
  base::ContainerKey key;
  base::CheckpointId checkpoint;
  int attempts = 0;
  std::string session;  // empty if nobody claimed it
  sys::ProcessRef claimer;
  std::string boot;
};

// The continuations from one checkpoint.
base::Result<std::vector<ClaimState>> claims_of(sqlite3* db, const base::CheckpointId& checkpoint);

// Whether a process that still lives has claimed it.
base::Result<bool> is_held(const ClaimState& claim);

}  // namespace reprise::catalog
