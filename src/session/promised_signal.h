// SPDX-License-Identifier: Apache-2.0
//
// `podman stop` always means what it always meant: where the checkpoint fails, the container gets
// the signal that it would have got without us.
#pragma once

#include "base/result.h"
#include "host/layout.h"
#include "host/request.h"

namespace reprise::session {

// Sends the signal that the request promised (none if it is 0) through runc, unless the session
// has sent it already.
base::Result<void> deliver_signal(const host::Layout& layout, const host::WorkerRequest& request);

}  // namespace reprise::session
