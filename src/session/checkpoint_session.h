// SPDX-License-Identifier: Apache-2.0
//
// One checkpoint, from request to outcome: the order of docs/ARCHITECTURE.md, "the life of a
// checkpoint". It is a chain of states (checkpoint/), each of which is made of the one before.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "host/message.h"
#include "session/checkpoint/prepared.h"
#include "session/checkpoint/sealed.h"
#include "session/context.h"
#include "session/freeze_watch.h"

namespace reprise::session {

// Runs a checkpoint session. The caller holds the container's lock.
//
// If it fails, whenever, the container runs on as before: nothing is frozen or firewalled, no
// partial checkpoint is on disk, and the request's signal has been delivered. If it succeeds and
// the request says `end`, the container has ended, after its checkpoint was durable.
class CheckpointSession {
 public:
  CheckpointSession(Context& context, FreezeWatch& watch);

  // Blocks until the outcome, which it also records in the catalog. Never fails: a failure is an
  // outcome.
  host::Outcome run();

 private:
  base::Result<Prepared> prepare_admitted();
  host::Outcome fail_with(const base::Error& error);
  host::Outcome succeed(Prepared prepared, const Sealed& sealed);
  void tidy(Prepared prepared, const Sealed& sealed);
  void remove_superseded();
  host::Outcome record(host::Outcome outcome);

  Context& context_;
  FreezeWatch& watch_;
  Phases phases_;
  base::UnixMillis begin_;
};

}  // namespace reprise::session
