// SPDX-License-Identifier: Apache-2.0
//
// Containers of the node that run before their memory is there, as metrics.
#pragma once

#include "base/result.h"
#include "daemon/metrics.h"
#include "host/layout.h"

namespace reprise::daemon {

// After an error the metrics tell what they told before.
base::Result<void> measure_fillings(Metrics& metrics, const host::Layout& layout);

}  // namespace reprise::daemon
