// SPDX-License-Identifier: Apache-2.0
//
// Restored tasks that CRIU lets go of, and that must not run yet: their cgroup holds them.
#pragma once

#include "base/result.h"
#include "session/context.h"

namespace reprise::session {

// CRIU is about to let go of the tasks: from here on the cgroup keeps them from running, until
// let_go() (restore_settlement.h). kUnsupported where the container has no cgroup that can.
base::Result<void> hold_tasks(const Context& context);

// The restored tasks are about to be ended: their peers hear nothing of that, and the next attempt
// can make their connections again. Logs what fails. Nothing, where runc does not know them yet:
// CRIU has not made their sockets live by then.
void silence_tasks(const Context& context);

// Ends the tasks that hold_tasks() holds, without one of them running, or a peer that hears of
// it. Success if there are none.
base::Result<void> end_held_tasks(const Context& context);

// Whatever froze them, hold_tasks() or another.
base::Result<void> thaw_restored(const Context& context);

}  // namespace reprise::session
