// SPDX-License-Identifier: Apache-2.0
//
// Claims of other nodes' pods on what this node has saved. Whoever claimed and is gone before it
// went on is let go of by the agent of its node (claims_here.h), within seconds; but a node that
// had a power cut may never be back. So this side does it, where nothing of the pod can have run:
// the claim says that it has not begun, and whoever begins must say so by compare-and-swap.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "base/result.h"
#include "daemon/cluster_view.h"
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
  ~FarClaims();
  FarClaims(const FarClaims&) = delete;
  FarClaims& operator=(const FarClaims&) = delete;

 private:
  struct Seen {
    std::chrono::steady_clock::time_point since;  // without a break: it is claimed, or gone
    bool is_gone = false;
  };
  void run();
  void look();
  base::Result<void> follow(const CheckpointObject& checkpoint);
  base::Result<bool> is_gone(const CheckpointObject& checkpoint);
  base::Result<void> let_go(const CheckpointObject& checkpoint);

  kube::Client& client_;
  ClusterView& view_;
  std::string node_;
  std::chrono::milliseconds patience_;
  std::map<std::string, Seen> seen_;  // by the claimer's UID
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace reprise::daemon
