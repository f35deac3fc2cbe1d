// SPDX-License-Identifier: Apache-2.0
//
// What pods went on from, on the node that saved it and on the one that fetched it: freed when it
// is of no use any more. Until then a pod that comes back finds here most of what it has.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "daemon/follower.h"
#include "store/store_config.h"

namespace reprise::daemon {

using LeftoverTime = std::chrono::steady_clock::time_point;

// A Consumed object is kept for so long after it was seen to be so, unless a newer one of the same
// place is Consumed.
inline constexpr std::chrono::minutes kLeftoverTime{10};

// Pure: of Checkpoints, those of which this node's part is to be freed. `seen`: when each was first
// seen Consumed, by UID.
std::vector<CheckpointObject> needless(const std::vector<CheckpointObject>& all,
                                       const std::string& node,
                                       const std::map<std::string, LeftoverTime>& seen,
                                       LeftoverTime now);

class Leftovers {
 public:
  // `view` outlives it. Works on a thread of its own.
  Leftovers(const ClusterView& view, store::StoreConfig store, std::string node);

 private:
  void look();
  // Returns how many checkpoints went. What is pinned, tagged or continued from stays.
  base::Result<int> free(const CheckpointObject& checkpoint);

  const ClusterView& view_;
  store::StoreConfig store_;
  std::string node_;
  std::map<std::string, LeftoverTime> seen_;
  std::set<std::string> freed_;  // UIDs
  Follower follower_;            // last: it looks at all of them
};

}  // namespace reprise::daemon
