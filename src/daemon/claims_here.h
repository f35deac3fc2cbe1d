// SPDX-License-Identifier: Apache-2.0
//
// What pods of this node have claimed. Consumed as soon as the catalog says that they went on, also
// where nobody told us; withdrawn when one began anew instead, since its files are newer from then
// on; and nobody's again when a pod is gone for good before it did either.
//
// A pod whose object was removed by force may still be being started. It is first taken away from
// it by a claim in the catalog, which it has to win before any task of it runs: so it begins anew,
// and is ended, while another pod goes on.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "daemon/cluster_view.h"
#include "daemon/follower.h"
#include "kube/client.h"
#include "store/store_config.h"

namespace reprise::daemon {

class ClaimsHere {
 public:
  // All outlive it. Works on a thread of its own. `moving` as in Answers.
  ClaimsHere(kube::Client& client, ClusterView& view, std::mutex& moving, store::StoreConfig store,
             std::string node);

 private:
  void look();
  struct Progress {
    std::vector<std::pair<std::string, base::CheckpointId>> resumed;  // containers
    std::string anew;                                                 // which one began so, and why
    bool is_underway = false;
  };
  base::Result<void> follow(const CheckpointObject& checkpoint);
  base::Result<void> note_progress(const CheckpointObject& checkpoint, const Progress& progress);
  [[nodiscard]] bool is_gone(const Claimer& claimer);
  base::Result<void> release(catalog::Catalog& catalog, const CheckpointObject& checkpoint);

  kube::Client& client_;
  ClusterView& view_;
  std::mutex& moving_;
  store::StoreConfig store_;
  std::string node_;
  std::map<std::string, std::chrono::steady_clock::time_point> gone_;  // pods, since when
  Follower follower_;  // last: it looks at all of them
};

}  // namespace reprise::daemon
