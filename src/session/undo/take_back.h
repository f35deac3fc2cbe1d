// SPDX-License-Identifier: Apache-2.0
//
// The promise: whatever fails before the seal, the container runs on unharmed; and a restore that
// fails leaves nothing behind. Kept by whoever notices: the session, its guard, or the next
// command.
#pragma once

#include "base/result.h"
#include "session/context.h"

namespace reprise::session::undo {

// Takes back what the session's journal says, last step first. A step that was written and not
// done, or taken back before, is success. What cannot be taken back keeps nothing else from it, and
// stays in the journal for whoever settles the session next; for people it is written below
// RUN/set-aside, since the session's directory goes when it has an outcome: hours later, in another
// life of the container, to take it back would do harm. Returns the first error.
//
// A session without a journal, as a version before left it, may have done anything
// (older_session.h). Blocks while runc and CRIU of a restore end.
base::Result<void> take_back(const Context& context);

}  // namespace reprise::session::undo
