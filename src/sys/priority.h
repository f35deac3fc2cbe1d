// SPDX-License-Identifier: Apache-2.0
//
// Who goes first, for CPUs and disks.
#pragma once

#include "base/result.h"

namespace reprise::sys {

// From now on this thread, and those that it starts, give way to everybody else: nice 19, and the
// last of the disk's best-effort queue. Not its idle class, which on a busy disk is served never:
// whoever holds a lock that others wait for must get on.
base::Result<void> lower_priority();

}  // namespace reprise::sys
