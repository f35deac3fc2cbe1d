// SPDX-License-Identifier: Apache-2.0
//
// What a restore does while CRIU holds the restored tasks, and what it takes back when it fails.
// Apart from the session because its guard does the same when the session was killed.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/result.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The tasks exist and wait: gives them what CRIU does not restore. `init` is the first of them.
// After an error the restore must not go on.
base::Result<void> complete_tasks(store::CheckpointReader& reader, const oci::Spec& spec,
                                  const Context& context, pid_t init);

// Whatever froze them, hold_tasks() or another.
base::Result<void> thaw_restored(const Context& context);

// CRIU is about to let go of the tasks: from here on the cgroup keeps them from running, until
// let_go(). kUnsupported where the container has no cgroup that can.
base::Result<void> hold_tasks(const Context& context);

// Ends the tasks that hold_tasks() holds, without one of them running. Success if there are none.
base::Result<void> end_held_tasks(const Context& context);

// The moment after which the container stays, whoever is killed: consumes the claim, and only then
// lets the tasks run, by finish_letting_go(). After an error no task has run, and the restore must
// be undone.
base::Result<void> let_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader);

// The claim is consumed: connections that cannot go on from this address say so at once, packets
// from outside come in again, and the tasks run. Also for whoever finds that the session was killed
// in the middle of it. Logs what fails.
void finish_letting_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader);

// The container runs: removes what was kept in case that it would not. Logs what fails.
void settle_restored(const Context& context);

// Undoes all that a restore may have brought about: runc, CRIU and the container itself (where the
// wrapper was killed, what it started is nobody's), files in the root file
// system, in /dev/shm and in volumes, adopted addresses, held packets (inside, and on the host).
// Connections to other containers stay held, for the next attempt; a cold start lifts that.
// Returns the first error, and goes on after it.
base::Result<void> undo_restore(const Context& context);

// Where the limit of processes is noted while a restore lifts it (engine/criu_hook.h).
std::filesystem::path pids_note(const Context& context);

}  // namespace reprise::session
