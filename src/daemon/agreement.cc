// SPDX-License-Identifier: Apache-2.0
#include "daemon/agreement.h"

namespace reprise::daemon {

using base::Result;

Result<CheckpointObject> change_status(kube::Client& client, ClusterView& view,
                                       const CheckpointObject& checkpoint,
                                       const std::function<bool(CheckpointObject&)>& change) {
  CheckpointObject now = view.checkpoint(checkpoint.uid).value_or(checkpoint);
  for (;;) {
    if (!change(now)) return now;
    auto written = client.update_status(now.path(), now.object);
    const bool lost = !written && kube::is_conflict(written.error());
    if (!written && !lost) return std::unexpected(std::move(written).error());
    auto object = lost ? REPRISE_PASS(client.get(now.path())) : *std::move(written);
    view.learn(object);
    auto read = read_checkpoint(std::move(object));
    if (!read || read->uid != checkpoint.uid)
      return base::fail(base::ErrorCode::kNotFound,
                        "Checkpoint '" + checkpoint.name + "' is another one now");
    now = *std::move(read);
    if (!lost) return now;
  }
}

}  // namespace reprise::daemon
