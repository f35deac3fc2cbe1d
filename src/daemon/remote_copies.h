// SPDX-License-Identifier: Apache-2.0
//
// What this node has saved lies at a remote as well, if its configuration says so ('upload =
// true'): uploaded by what the session leaves behind, told here to the cluster, and removed there
// when nobody can go on from it any more.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "daemon/cluster_view.h"
#include "kube/client.h"
#include "remote/object_store.h"
#include "store/store_config.h"

namespace reprise::daemon {

// By its name in the node's configuration; its secrets are read anew each time. kNotFound if there
// is none of that name, else as config::access_of() and remote::open_remote().
base::Result<std::unique_ptr<remote::ObjectStore>> open_node_remote(const config::Config& config,
                                                                    const std::string& name);

// Which copies at remotes this node is to remove, on its disk: it made them, or went on from them.
// Whoever may write Checkpoints has no say in what is noted here.
class CopyRecords {
 public:
  // Below the store.
  explicit CopyRecords(const std::filesystem::path& store);
  struct Record {
    std::string remote;
    base::CheckpointId checkpoint;
    std::string name_space, pod_uid;  // of the Checkpoint object that it belongs to
  };
  // Success if it is there already. kInvalidInput for a remote whose name is none.
  base::Result<void> keep(const Record& record) const;
  base::Result<void> drop(const Record& record) const;
  [[nodiscard]] base::Result<std::vector<Record>> all() const;

 private:
  std::filesystem::path directory_;
};

// Whether a copy is still of use, as its Checkpoint says: until another pod has gone on from it.
bool needs_copy(const std::vector<CheckpointObject>& all, const CopyRecords::Record& record);

class RemoteCopies {
 public:
  // All outlive it. Works on a thread of its own.
  RemoteCopies(kube::Client& client, ClusterView& view, store::StoreConfig store,
               config::Config config, std::string node);
  ~RemoteCopies();
  RemoteCopies(const RemoteCopies&) = delete;
  RemoteCopies& operator=(const RemoteCopies&) = delete;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run();
  void look();
  base::Result<void> note(const std::vector<CheckpointObject>& all);
  base::Result<void> note_copies(const CheckpointObject& checkpoint, catalog::Catalog& catalog,
                                 const std::vector<catalog::Copy>& copies);
  base::Result<void> tell(const CheckpointObject& checkpoint, const std::string& remote);
  base::Result<void> remove_needless(const std::vector<CheckpointObject>& all);
  base::Result<void> remove(const CopyRecords::Record& record);

  kube::Client& client_;
  ClusterView& view_;
  store::StoreConfig store_;
  config::Config config_;
  std::string node_;
  CopyRecords records_;
  std::map<std::string, Time> needless_;  // since when, by the checkpoint's id
  std::map<std::string, Time> failed_;    // when it was tried last
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace reprise::daemon
