// SPDX-License-Identifier: Apache-2.0
//
// This node's side of the Checkpoints of its own pods: promised when a pod is to end and will be
// saved, kept or withdrawn when its sessions are over, freed when another pod has gone on.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "daemon/judged_endings.h"
#include "daemon/pod_events.h"
#include "host/layout.h"
#include "kube/client.h"
#include "store/store_config.h"

namespace reprise::daemon {

class Promises {
 public:
  // All outlive it. A thread of its own follows `view`.
  // `peer`: where others get what this node has saved.
  Promises(kube::Client& client, ClusterView& view, const JudgedEndings& endings, PodEvents& events,
           host::Layout layout, store::StoreConfig store, std::string node, SourcePeer peer);
  ~Promises();
  Promises(const Promises&) = delete;
  Promises& operator=(const Promises&) = delete;

 private:
  void run();
  bool look();
  void withdraw_stale();
  void promise(const PodFacts& pod);
  void tell_of(const PodFacts& pod);
  void tell_unanswered();
  void tell_of_job(const PodFacts& pod);
  void forget_gone();
  [[nodiscard]] std::string why_not_saved(const std::string& pod_uid,
                                          const std::string& container) const;
  base::Result<void> follow(const CheckpointObject& checkpoint);
  // That an object is nobody's promise: removes it.
  base::Result<void> remove_forged(const CheckpointObject& checkpoint);
  base::Result<void> tell_peer(const CheckpointObject& checkpoint);
  [[nodiscard]] std::string own_key() const;
  base::Result<void> let_go(const CheckpointObject& checkpoint);

  kube::Client& client_;
  ClusterView& view_;
  const JudgedEndings& endings_;
  PodEvents& events_;
  host::Layout layout_;
  store::StoreConfig store_;
  std::string node_;
  SourcePeer peer_;
  std::set<std::string> promised_;       // UIDs of pods
  std::set<std::string> without_class_;  // of those, that no runtime class has us run
  std::set<std::string> by_policy_;      // of those, that ask for nothing themselves
  std::set<std::string> missing_;        // "UID/CONTAINER" that did not run when it was promised
  std::set<std::string> let_go_;         // UIDs of Checkpoints
  std::set<std::string> complained_;
  std::map<std::string, bool> jobs_;  // by UID: whether it counts disrupted pods as failed
  std::set<std::string> job_pods_;    // UIDs of pods whose Job was looked at
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace reprise::daemon
