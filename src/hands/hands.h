// SPDX-License-Identifier: Apache-2.0
//
// A node's hands: has a running container of a pod saved when the node's agent asks for it
// (host/hands_link.h), and can do nothing else. The agent has no power over containers; this has.
#pragma once

#include <atomic>

#include "base/result.h"
#include "host/layout.h"

namespace reprise::hands {

// To the cgroups of process 1, so that sessions outlive the container that we are in. What cannot
// be left is stayed in. kIo if that is all.
base::Result<void> leave_cgroups();

// Serves until `stop`, and then leaves sessions to their guards. Each question has a thread.
// kBusy if others serve there.
base::Result<void> serve(const host::Layout& layout, const std::atomic<bool>& stop);

}  // namespace reprise::hands
