// SPDX-License-Identifier: Apache-2.0
//
// Sessions of versions that kept no journal. What they did is known from their notes, or not at
// all; but what was not done can be taken back as well.
#pragma once

#include <vector>

#include "base/result.h"
#include "session/context.h"
#include "session/undo/step.h"

namespace reprise::session::undo {

struct Owed {
  std::vector<Step> steps;
  base::Result<void> complete{};  // why there may be more
};

// All that a session may have done which left no journal: without the freeze that it had not noted,
// a signal that it noted as delivered, and a restore that it noted not to have begun.
Owed owed_by_older(const Context& context);

// All that a session of its kind can do, for one whose journal cannot be read.
Owed owed_at_most(const Context& context);

}  // namespace reprise::session::undo
