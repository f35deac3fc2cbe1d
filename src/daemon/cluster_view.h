// SPDX-License-Identifier: Apache-2.0
//
// What this node's agent knows of the cluster, in memory: the node's pods, and all Checkpoints. It
// answers from here, also while the API server is away.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/checkpoint_object.h"
#include "daemon/pod_facts.h"
#include "daemon/policy_book.h"
#include "kube/watch.h"

namespace reprise::daemon {

// For any number of threads.
class ClusterView {
 public:
  // `client` outlives it. Begins to watch. `policy_flag`: as of PolicyBook.
  ClusterView(kube::Client& client, const std::string& node,
              std::filesystem::path policy_flag = {});
  ~ClusterView();
  ClusterView(const ClusterView&) = delete;
  ClusterView& operator=(const ClusterView&) = delete;

  // Pods with what policies wish of them.
  [[nodiscard]] std::optional<PodFacts> pod(const std::string& uid) const;
  [[nodiscard]] std::vector<PodFacts> pods() const;
  [[nodiscard]] std::vector<CheckpointObject> checkpoints() const;
  [[nodiscard]] std::optional<CheckpointObject> checkpoint(const std::string& uid) const;
  [[nodiscard]] std::vector<CheckpointPolicy> policies() const { return policies_->all(); }
  [[nodiscard]] bool knows_policies() const { return policies_->is_known(); }
  // The Claimable one that is claimed with the token of this hash, if node `node` saved it. Costs a
  // stranger's question next to nothing, however many there are.
  [[nodiscard]] std::optional<CheckpointObject> claimed_with(const std::string& token_hash,
                                                             const std::string& node) const;
  // What one of us has just written, which the watch will tell later. Something newer stays.
  void learn(nlohmann::json checkpoint);

  // Whether pods and Checkpoints are as the server has them, and the policies were known once; else
  // what is known may be old.
  [[nodiscard]] bool is_in_step() const;
  // Grows with each change.
  [[nodiscard]] std::uint64_t version() const;
  // Returns when the version is not `seen` any more, or after `patience`.
  void wait_change(std::uint64_t seen, std::chrono::milliseconds patience) const;

 private:
  class PodListener;
  class CheckpointListener;

  // Of one collection: `noted` is what is known of it.
  void note_state(const char* what, bool& noted, bool in_step, const base::Error* why);
  void changed();

  mutable std::mutex lock_;
  mutable std::condition_variable change_;
  std::uint64_t version_ = 0;
  std::map<std::string, PodFacts> pods_;                 // by uid
  std::map<std::string, CheckpointObject> checkpoints_;  // by uid
  bool pods_in_step_ = false;
  bool checkpoints_in_step_ = false;
  std::unique_ptr<PodListener> pod_listener_;
  std::unique_ptr<CheckpointListener> checkpoint_listener_;
  // Last: they end first, and call the listeners until then.
  std::unique_ptr<PolicyBook> policies_;
  std::unique_ptr<kube::Watch> pod_watch_, checkpoint_watch_;
};

}  // namespace reprise::daemon
