// SPDX-License-Identifier: Apache-2.0
//
// The guard: the small process above each session that keeps the promise when the session itself
// is killed.
#pragma once

#include "container/layout.h"
#include "container/worker_link.h"
#include "sys/message_socket.h"

namespace reprise::session {

// Everything that the guard shares with its session by the fork.
struct GuardedSession {
  container::Layout layout;
  container::WorkerRequest request;
  sys::MessageSocket* caller = nullptr;           // for the outcome, if the session cannot tell it
  sys::MessageListener* hook_listener = nullptr;  // of CRIU's questions
};

// Forks: the child runs `session` and exits with its value; the parent waits. If the child is
// killed, the parent answers CRIU's hook in its place. Of a checkpoint: proceed if it is sealed,
// abort otherwise; it waits for runc and CRIU (they become its children: it is made their
// subreaper), and then keeps the promise: a sealed checkpoint is made visible and its container
// ended; otherwise the container runs on as before. Of a restore: abort unless the tasks were
// complete; what was prepared is undone unless the container runs. Must be called without threads.
// Returns the exit status for the process.
int run_guarded(const GuardedSession& guarded, int (*session)(const GuardedSession&));

}  // namespace reprise::session
