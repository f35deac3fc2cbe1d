// SPDX-License-Identifier: Apache-2.0
//
// Changes of Checkpoint objects that other agents change as well.
#pragma once

#include <functional>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "kube/client.h"

namespace reprise::daemon {

// Has `change` edit the status of the object as it is now, and writes it; anew, if somebody else
// was quicker, as often as that happens. `change` returns false to leave it as it is. The object as
// it is afterwards, which `view` has learned; errors as of kube::Client.
base::Result<CheckpointObject> change_status(kube::Client& client, ClusterView& view,
                                             const CheckpointObject& checkpoint,
                                             const std::function<bool(CheckpointObject&)>& change);

}  // namespace reprise::daemon
