// SPDX-License-Identifier: Apache-2.0
//
// That a container was killed rather than stopped, for its history.
#pragma once

#include "host/identity.h"
#include "runtime/call.h"

namespace reprise::runtime {

// Notes that SIGKILL goes to a container that opted in. What fails is not worth a word.
void note_kill(const Call& call, const host::Identity& who);
// Whether that was noted in this life; forgets it.
bool take_kill(const Call& call, const host::Identity& who);

}  // namespace reprise::runtime
