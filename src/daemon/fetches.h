// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints of other nodes on their way to this one. Each is a job that outlives the `create`
// which waits for it: the kubelet gives up, and tries again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "crypto/secret_text.h"
#include "daemon/cluster_view.h"
#include "kube/client.h"
#include "store/store_config.h"

namespace reprise::daemon {

struct FetchState {
  enum class Kind : std::uint8_t { kRunning, kDone, kFailed } kind = Kind::kRunning;
  std::string words;  // how far it is, or why it failed
  // How long it will still take, as far as one can tell; nullopt: not at all.
  std::optional<std::chrono::milliseconds> left = std::nullopt;
  bool is_other_key = false;  // it failed, since this node cannot open what is sealed there
};

// Pure: whether the agent of a node, an object of the API, may be reached at `address`: one of the
// node's own, at `port`. Whoever may write Checkpoints could have us call anybody.
bool is_address_of(const nlohmann::json& node, const std::string& address, std::uint16_t port);

// For any number of threads.
class Fetches {
 public:
  // So long a source may give nothing, all together, before it is given up. A create, which waits
  // for a minute, is to learn of it: a pod that is never restarted has one.
  static constexpr std::chrono::seconds kSourcePatience{45};

  // All outlive it. `config`: of this node, whose remotes may have what a source that cannot be
  // reached does not give. `port`: at which all agents give out what they have.
  Fetches(kube::Client& client, ClusterView& view, store::StoreConfig store, config::Config config,
          std::string node, std::uint16_t port);
  ~Fetches();  // ends what is under way; what has come stays
  Fetches(const Fetches&) = delete;
  Fetches& operator=(const Fetches&) = delete;

  // For the claim: the hash of the token with which the Checkpoint of this UID is read.
  base::Result<std::string> token_hash(const std::string& uid);

  // All containers of a Checkpoint that a pod of this node has claimed: begun by the first call,
  // told by each. Done: store and catalog have them, authenticated, as those of its pod. One that
  // failed is begun again by the next call.
  FetchState fetch(const CheckpointObject& checkpoint);

 private:
  class Job;
  kube::Client& client_;
  ClusterView& view_;
  store::StoreConfig store_;
  config::Config config_;
  std::string node_;
  std::uint16_t port_;
  std::mutex lock_;
  std::map<std::string, crypto::SecretText> tokens_;  // by UID of the Checkpoint
  std::map<std::string, std::unique_ptr<Job>> jobs_;
};

}  // namespace reprise::daemon
