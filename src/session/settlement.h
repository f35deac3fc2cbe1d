// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a session that was killed: found out and put right by whoever notices it, its
// guard, or, if that was killed as well, the next command (recovery.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "host/message.h"
#include "image/manifest.h"
#include "session/context.h"

namespace reprise::session {

struct Settlement {
  base::Error cause;  // why the session did not end by itself
  // Until runc and CRIU are killed, if they do not end by themselves.
  std::chrono::milliseconds patience{0};
  // When the container's tasks stand still, or stood still: kNow, a sealed container is ended at
  // once if CRIU did not do so. kLong, it may have run on after its seal for any time, and then it,
  // and not the checkpoint, is what must go on.
  enum class Since : std::uint8_t { kNow, kLong } since = Since::kNow;
};

// Blocks until no runc or CRIU of the session is left, and then keeps the promise: what was sealed
// is made visible and its container ended, a restore whose claim was consumed stands, and anything
// else is undone, and a promised signal delivered. Records the outcome in the catalog and returns
// it. The caller holds the container's lock, or inherited it. Never fails: a failure is an outcome.
//
// Whether a checkpoint was sealed may be unknown for a while (no free descriptor, a disk that does
// not answer). Then it is asked again, with the tasks standing still, for as long as `patience`.
// After that they run on, and are disowned: no checkpoint of theirs is gone on from by itself, so
// that nothing of what they do then is lost, and none of it happens twice. What is sealed and
// cannot be made visible is not recorded: the next recovery settles it.
host::Outcome settle(Context& context, const Settlement& settlement);

}  // namespace reprise::session
