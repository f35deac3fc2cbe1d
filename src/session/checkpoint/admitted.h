// SPDX-License-Identifier: Apache-2.0
//
// First state of a checkpoint: all that the container has is something that can be saved. Nothing
// was touched.
#pragma once

#include <vector>

#include "base/result.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "preflight/obstacles.h"
#include "session/context.h"

namespace reprise::session {

struct Admitted {
  oci::State state;
  oci::Spec spec;
  oci::Wishes wishes;
};
// kGone if it has ended, kBusy if a person has paused it, else as refuse().
base::Result<Admitted> admit(const Context& context);

base::Result<void> refuse_paused(const oci::State& state);
// CRIU would refuse as well, but in the middle of a dump and in words for those who know it.
// Success if there is none; else kUnsupported, which names the first.
base::Result<void> refuse(const std::vector<preflight::Obstacle>& found);

}  // namespace reprise::session
