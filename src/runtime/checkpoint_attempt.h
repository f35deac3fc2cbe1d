// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints that the wrapper itself has a worker take, to end the container.
#pragma once

#include "base/result.h"
#include "host/identity.h"
#include "oci/state.h"
#include "runtime/call.h"
#include "sys/file_lock.h"

namespace reprise::runtime {

// Begins a checkpoint that ends the container, or delivers `signal` if it fails. `state` is what
// runc says of it, if it does; `lock` is the container's. Returns when a guard answers for that
// (session/guard.h), some tens of milliseconds later. After an error nobody does, and nothing was
// done: the caller is to deliver the signal.
base::Result<void> begin_checkpoint(const Call& call, const host::Identity& who,
                                    const base::Result<oci::State>& state, int signal,
                                    const sys::FileLock& lock);

// A restored container that runs although its `start` never came: whoever restored it was killed,
// and Podman knows nothing of it. It is checkpointed and ended, so that it can be created again and
// goes on. Nothing is done where there is no such container. Blocks until that has happened, as
// long as a checkpoint may take. After an error it runs on.
base::Result<void> checkpoint_never_started(const Call& call, const host::Identity& who);

}  // namespace reprise::runtime
