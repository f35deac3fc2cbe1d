// SPDX-License-Identifier: Apache-2.0
#include "runtime/cold_cause.h"

#include "catalog/last_stop.h"

namespace reprise::runtime {

std::string cold_cause(const std::vector<catalog::LifeRow>& lives,
                       const std::vector<catalog::CheckpointRow>& checkpoints, Wanted cold) {
  const base::CheckpointId last = catalog::last_stop(lives);
  if (checkpoints.empty() && last.empty() && cold == Wanted::kNo) return {};
  std::string text = "its last life did not end with a checkpoint";
  if (cold == Wanted::kYes)
    text = "as asked";
  else if (!last.empty())
    text = catalog::why_not_from(last, checkpoints);
  if (!checkpoints.empty()) text += "; the newest is '" + checkpoints.front().id.str() + "'";
  return text;
}

}  // namespace reprise::runtime
