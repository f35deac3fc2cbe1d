// SPDX-License-Identifier: Apache-2.0
//
// Restores of which the caller did not hear.
#pragma once

#include "base/result.h"
#include "session/guard.h"
#include "sys/file_lock.h"

namespace reprise::worker {

// After a restore that succeeded: waits for the caller, the runtime's wrapper, to say that it heard
// so, which it does at once. If it was killed instead, Podman's conmon takes the container for one
// that was not made, and reads its stderr for the reason, for as long as the container lives and is
// silent (conmon 2.1, conmon.c: a read that blocks); all who ask Podman for the container wait with
// it. So the container is checkpointed and ended: by a worker of its own, which gets `lock`. If
// that fails, it runs on, and whoever creates or deletes it next tries again.
base::Result<void> checkpoint_unless_heard(const session::GuardedSession& guarded,
                                           const sys::FileLock& lock);

}  // namespace reprise::worker
