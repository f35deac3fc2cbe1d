// SPDX-License-Identifier: Apache-2.0
//
// Making a container run from a checkpoint that somebody names.
#pragma once

#include <string>

#include "base/result.h"
#include "operations/container/clone_command.h"
#include "operations/container/start.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

struct RestoreRequest {
  // A checkpoint (id, unique beginning of one, tag), or a container, also one that is gone, which
  // stands for its newest checkpoint.
  std::string subject;
  std::string from;  // a remote to fetch it from first, where it has that name; empty: none
  CloneWishes wishes;
};

struct Restored {
  std::string container;  // its name
  StartOutcome start;     // cold only for a container that waited for this very checkpoint
};

// A stopped container that waits for this very checkpoint is started, unless the wishes need
// another one; else one is made (clone.h). Every byte of the checkpoint is verified first. Errors
// as clone_from(), start_container() and pull().
base::Result<Restored> restore(const Node& node, const RestoreRequest& request, Progress& progress);

}  // namespace reprise::operations
