// SPDX-License-Identifier: Apache-2.0
//
// Last states of a checkpoint: all of the container is written, and then it is sealed.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/result.h"
#include "image/manifest.h"
#include "session/checkpoint/prepared.h"
#include "session/context.h"
#include "session/freeze_watch.h"

namespace reprise::session {

// What is known when all is written.
struct Dumped {
  std::int64_t cpu_time_us = 0;
  std::chrono::milliseconds freeze{0};  // so far, where the tasks still stand still
  std::uint64_t memory_bytes = 0;       // 0 where the engine does not tell
};

struct Sealed {
  Dumped dumped;
  image::Manifest manifest;
};
// Freezes the container and writes it. A container that is to end is sealed before it does, and is
// about to end afterwards; one that is to run on runs when it is sealed. An error means that
// nothing was sealed. `watch` is wound while tasks stand still.
base::Result<Sealed> dump_and_seal(Context& context, const Prepared& prepared, Phases& phases,
                                   FreezeWatch& watch);

}  // namespace reprise::session
