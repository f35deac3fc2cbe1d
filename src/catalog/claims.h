// SPDX-License-Identifier: Apache-2.0
//
// Who may restore what: a claim is the right to restore one checkpoint once.
//
// On one machine the catalog keeps them, in SQLite. Whoever needs nothing else of it takes Claims,
// so that they can be kept elsewhere, too.
#pragma once

#include <cstdint>
#include <optional>

#include "base/id.h"
#include "base/result.h"
#include "sys/process.h"

namespace reprise::catalog {

using base::Result;

// What the next start of a container takes up.
struct Continuation {
  base::ContainerKey key;
  base::CheckpointId checkpoint;
  int attempts = 0;  // restores that were begun and failed
};

// What became of a session's claim.
enum class ClaimFate : std::uint8_t {
  kHeld,       // or last held, by a session that was cut off
  kConsumed,   // by the session itself: what it restored has run, or may have
  kGivenBack,  // released, dropped, taken over by another session; or there never was one
};

class Claims {
 public:
  virtual ~Claims() = default;

  // Says that the next start of `key` takes up `checkpoint` (explicit restore; clones). kNotFound
  // if there is no such checkpoint, kBusy if a live process holds the present continuation.
  virtual Result<void> set_continuation(const base::ContainerKey& key,
                                        const base::CheckpointId& checkpoint) = 0;
  virtual Result<std::optional<Continuation>> continuation(const base::ContainerKey& key) = 0;
  // Takes the continuation of `key` for `session`, atomically: of any number of callers one wins.
  // nullopt if there is none. kBusy if a live process holds it; a claim whose process has died (or
  // that stems from an earlier boot) is taken over, and counts as a failed attempt.
  virtual Result<std::optional<Continuation>> claim(const base::ContainerKey& key,
                                                    const base::SessionId& session,
                                                    const sys::ProcessRef& claimer) = 0;
  // Restored: the continuation is gone, the checkpoint stays. kNotFound if the claim is not held by
  // `session` (any more), here and in release_claim.
  virtual Result<void> consume_claim(const base::ContainerKey& key,
                                     const base::SessionId& session) = 0;
  // Not restored: claimable again, attempts + 1.
  virtual Result<void> release_claim(const base::ContainerKey& key,
                                     const base::SessionId& session) = 0;
  // Known for good, whatever became of the container since.
  virtual Result<ClaimFate> fate_of_claim(const base::ContainerKey& key,
                                          const base::SessionId& session) = 0;
  // Nothing continues from it any more (cold start wanted), claimed or not; the checkpoint stays.
  virtual Result<void> drop_continuation(const base::ContainerKey& key) = 0;

 protected:
  Claims() = default;
  Claims(const Claims&) = default;
  Claims& operator=(const Claims&) = default;
  Claims(Claims&&) noexcept = default;
  Claims& operator=(Claims&&) noexcept = default;
};

}  // namespace reprise::catalog
