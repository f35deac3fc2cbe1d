// SPDX-License-Identifier: Apache-2.0
#include "catalog/last_stop.h"

#include <algorithm>

namespace reprise::catalog {

base::CheckpointId last_stop(const std::vector<LifeRow>& lives) {
  base::CheckpointId last;
  for (const LifeRow& life : lives) {
    if (life.event == LifeEvent::kStarted || life.event == LifeEvent::kRestored) last = {};
    if (life.event == LifeEvent::kCheckpointed && life.detail == to_string(image::Trigger::kStop))
      last = life.checkpoint;
  }
  return last;
}

std::string why_not_from(const base::CheckpointId& last,
                         const std::vector<CheckpointRow>& checkpoints) {
  const bool is_there =
      std::ranges::find(checkpoints, last, &CheckpointRow::id) != checkpoints.end();
  return "checkpoint '" + last.str() + "', with which its last life ended, " +
         (is_there ? "is not to be gone on from any more" : "was removed");
}

}  // namespace reprise::catalog
