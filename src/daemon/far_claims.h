// SPDX-License-Identifier: Apache-2.0
//
// Claims of other nodes' pods on what this node has saved. Whoever claimed and is gone before it
// went on is let go of by the agent of its node (claims_here.h), within seconds; but a node that
// had a power cut may never be back. So this side does it, where nothing of the pod can have run:
// the claim says that it has not begun, and whoever begins must say so by compare-and-swap.
//
// Once it has begun, only the history of that node knows whether the pod ran. Where the node is
// gone for good, too, nobody ever will: the Checkpoint is withdrawn, since what it would go on from
// may be older than what the pod has done to the world.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "daemon/follower.h"
#include "kube/client.h"

namespace reprise::daemon {

class FarClaims {
 public:
  // So long, twice, the claimer's own agent has for it.
  static constexpr std::chrono::seconds kPatience{5};

  // All outlive it. Works on a thread of its own. The API is asked only of claims that last for
  // longer than `patience`, that often.
  FarClaims(kube::Client& client, ClusterView& view, std::string node,
            std::chrono::milliseconds patience = kPatience);

 private:
  struct Seen {
    std::chrono::steady_clock::time_point since;  // without a break: it is claimed, or gone
    bool is_gone = false;
  };
  void look();
  base::Result<void> follow(const CheckpointObject& checkpoint);
  base::Result<bool> is_gone(const CheckpointObject& checkpoint);
  // How its claimer's node is gone for good; empty: it is not, as far as anybody knows.
  base::Result<std::string> how_lost(const CheckpointObject& checkpoint);
  base::Result<void> let_go(const CheckpointObject& checkpoint);
  base::Result<void> withdraw(const CheckpointObject& checkpoint);

  kube::Client& client_;
  ClusterView& view_;
  std::string node_;
  std::chrono::milliseconds patience_;
  std::map<std::string, Seen> seen_;  // by the claimer's UID
  Follower follower_;                 // last: it looks at all of them
};

}  // namespace reprise::daemon
