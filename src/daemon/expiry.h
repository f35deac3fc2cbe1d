// SPDX-License-Identifier: Apache-2.0
//
// What nobody has gone on from is not kept for ever: old Checkpoints of this node are removed, and
// what this node has saved or fetched for Checkpoints that are gone, whoever removed them, is
// freed.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "daemon/cluster_view.h"
#include "daemon/follower.h"
#include "kube/client.h"
#include "store/store_config.h"

namespace reprise::daemon {

// As kKeepUnclaimed and kKeepWithdrawn (checkpoint_policy.h): since it has its phase;
// `spec.retention` of the object, which a policy gave it, comes first, and is ten years at most.
inline constexpr std::chrono::hours kKeepConsumed{24};  // the object alone: its data went before

// Pure: of all Checkpoints those of `node` that are to be removed. One that says of a place that an
// older one there does not count stays as long as that.
std::vector<CheckpointObject> expired(const std::vector<CheckpointObject>& all,
                                      const std::string& node, base::UnixMillis now);

// Puts into a Checkpoint that is to be made how long it is kept.
void set_retention(nlohmann::json& object, const Retention& retention);

// Which pods' Checkpoints this node has had a part in, on its disk, so that one that is removed
// while the agent is away is missed later. A file for each: what else a node has saved is not ours
// to free.
class CheckpointRecords {
 public:
  // Below the store.
  explicit CheckpointRecords(const std::filesystem::path& store);
  struct Record {
    std::string name_space, name;  // of the Checkpoint
    std::string pod, pod_uid;
    std::vector<std::string> containers;
  };
  // Success if it is there already. kInvalidInput for a UID that is none.
  base::Result<void> keep(const Record& record);
  base::Result<void> drop(const std::string& pod_uid);
  [[nodiscard]] base::Result<std::vector<Record>> all() const;

 private:
  std::filesystem::path directory_;
  std::set<std::string> kept_;  // UIDs that need not be written again
};

class Expiry {
 public:
  // `client` and `view` outlive it. Works on a thread of its own.
  Expiry(kube::Client& client, const ClusterView& view, store::StoreConfig store, std::string node);

 private:
  void look();
  void remove_expired(const std::vector<CheckpointObject>& all);
  base::Result<void> note(const std::vector<CheckpointObject>& all);
  base::Result<void> free_orphans(const std::vector<CheckpointObject>& all);
  // Whether nothing is left to be freed. Counts what went.
  base::Result<bool> free(const CheckpointRecords::Record& record, int& removed);

  kube::Client& client_;
  const ClusterView& view_;
  store::StoreConfig store_;
  std::string node_;
  CheckpointRecords records_;
  std::map<std::string, std::chrono::steady_clock::time_point> orphans_;  // since when, by pod UID
  Follower follower_;  // last: it looks at all of them
};

}  // namespace reprise::daemon
