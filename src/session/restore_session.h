// SPDX-License-Identifier: Apache-2.0
//
// One restore, from claim to outcome. The runtime wrapper holds the claim and runs `runc restore`
// itself, because the restored init must become a child of the wrapper's parent (conmon, a shim);
// this session prepares everything before and settles everything after. It is a chain of states
// (restore/), each of which is made of the one before.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "host/message.h"
#include "session/context.h"
#include "session/restore/requested.h"
#include "session/restore/restored.h"

namespace reprise::session {

// If it fails, the host is as before (what was unpacked or set up is undone), and the checkpoint
// and its claim are untouched: the wrapper decides what becomes of the claim.
class RestoreSession {
 public:
  explicit RestoreSession(Context& context);
  // Blocks until the outcome, which it also records and reports. Never fails: a failure is an
  // outcome. A wrapper that dies in between counts as a failure.
  host::Outcome run();

 private:
  base::Result<Restored> restore(const Requested& requested);
  host::Outcome fail_with(const base::Error& error);
  host::Outcome succeed(Restored restored);
  host::Outcome record(host::Outcome outcome, std::int64_t cpu_time_us);

  Context& context_;
  Phases phases_;
  base::UnixMillis begin_;
};

}  // namespace reprise::session
