// SPDX-License-Identifier: Apache-2.0
//
// Checks of what only an installation has: its key, and in a cluster its agent.
#pragma once

#include "operations/diagnosis/findings.h"

namespace reprise::operations {

// Whether the key opens the store's keys; makes neither.
Finding check_key(const Node& node);

// Whether remotes get what they are to get on their own.
Finding check_uploads(const Node& node);

// Whether somebody listens where the runtime asks. A host without a trace of an agent needs none.
Finding check_agent(const Node& node);

}  // namespace reprise::operations
