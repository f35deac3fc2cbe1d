// SPDX-License-Identifier: Apache-2.0
//
// What is sealed must not have run since it was dumped, and must never run again. CRIU holds the
// dumped tasks by ptrace(2), but whoever is killed, CRIU, runc or CRIU's script, makes the kernel
// or CRIU let them go. So their cgroup holds them as well, from just before the seal until SIGKILL
// is pending for all of them.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "host/layout.h"
#include "host/request.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace reprise::session {

// To be called when all is written but the seal, while CRIU holds the tasks. From then on they
// stand still, whoever is killed, and have done so since they were dumped: else kGone, and then, as
// after any error, they are not frozen. After note_freeze() (freeze.h), so that whoever settles
// the session lets them run if it was not sealed.
base::Result<void> hold_for_seal(const oci::State& state);

// Ends the tasks of a sealed container, without one of them running. False if they did not stand
// still: they are ending already, or they have run on. After an error they stand still.
base::Result<bool> end_sealed_tasks(const oci::State& state);

// What becomes of the tasks of a session that was killed, before its CRIU and runc are ended: CRIU
// may wait for frozen tasks, to end them or to let them go. `sealed`: its container is to end.
enum class DumpedTasks : std::uint8_t { kEnded, kRunOn, kUnknown };
// Ends those that stand still and are sealed, and thaws those that are not. Logs what fails.
DumpedTasks settle_tasks(const host::Layout& layout, const host::WorkerRequest& request,
                         bool sealed);

// Makes sure that a container whose checkpoint was sealed in order to end it does end: two of it
// must never run. Removes CRIU's network lock where others live in the namespace.
void end_sealed_container(const oci::State& state, const oci::Spec& spec);

// Whether it runs: not if it is about to end, as one that was killed is while the kernel takes its
// memory down.
bool lives(const oci::State& state);

}  // namespace reprise::session
