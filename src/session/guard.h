// SPDX-License-Identifier: Apache-2.0
//
// The guard: the small process above each session that keeps the promise when the session itself
// is killed or hangs.
#pragma once

#include "catalog/retention.h"
#include "host/layout.h"
#include "host/request.h"
#include "session/freeze_watch.h"
#include "store/store_config.h"
#include "sys/message_socket.h"

namespace reprise::session {

// Everything that the guard shares with its session by the fork.
struct GuardedSession {
  host::Layout layout;
  store::StoreConfig store;
  host::WorkerRequest request;
  sys::MessageSocket* caller = nullptr;           // for the outcome, if the session cannot tell it
  sys::MessageListener* hook_listener = nullptr;  // of CRIU's questions
  FreezeWatch* watch = nullptr;  // wound by the session while tasks may stand still
  catalog::Retention retention;
};

// Forks: the child runs `session` and exits with its value; the parent waits. If the child is
// killed, or lets the freeze's watch ring (then the parent kills it), the parent answers CRIU's
// hook in its place, sees to it that runc and CRIU end, and settles the session (settlement.h). No
// container stands still beyond its limit, whether CRIU or the session hangs, unless the kernel
// itself does not let CRIU go. Must be called without threads. The first that the caller hears is
// an event of the parent's, which says that all this is so. Returns the exit status for the
// process.
int run_guarded(const GuardedSession& guarded, int (*session)(const GuardedSession&));

}  // namespace reprise::session
