// SPDX-License-Identifier: Apache-2.0
//
// The CheckpointPolicies of the cluster, in memory, as the API server has them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/checkpoint_policy.h"
#include "kube/watch.h"

namespace reprise::daemon {

// For any number of threads.
class PolicyBook {
 public:
  // `client` outlives it. Begins to watch. `flag` is there while there are policies (empty: none is
  // wanted). `changed` is called after each change, by the watch's thread.
  PolicyBook(kube::Client& client, std::filesystem::path flag, std::function<void()> changed);
  ~PolicyBook();
  PolicyBook(const PolicyBook&) = delete;
  PolicyBook& operator=(const PolicyBook&) = delete;

  // Whether they were listed once, or the cluster does not know such objects: those of a version
  // before.
  [[nodiscard]] bool is_known() const;
  [[nodiscard]] std::vector<CheckpointPolicy> all() const;

 private:
  class Listener;
  void note(const char* step);

  std::filesystem::path flag_;
  std::function<void()> changed_;
  mutable std::mutex lock_;
  std::map<std::string, CheckpointPolicy> policies_;  // by uid
  bool known_ = false;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<kube::Watch> watch_;  // last: it ends first
};

}  // namespace reprise::daemon
