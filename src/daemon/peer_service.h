// SPDX-License-Identifier: Apache-2.0
//
// Gives out this node's checkpoints to agents of other nodes: to each what it has claimed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/cluster_view.h"
#include "http/server.h"
#include "store/store_config.h"

namespace reprise::daemon {

struct PeerOptions {
  std::string host = "0.0.0.0";  // where to listen
  std::uint16_t port = 0;
  std::string address;  // "HOST" or "HOST:PORT": what others reach it by; empty: it must be found
};

// Pure: "HOST:PORT" or "[HOST]:PORT" taken apart. kInvalidInput.
struct HostAndPort {
  std::string host;
  std::uint16_t port = 0;
};
base::Result<HostAndPort> parse_host_and_port(const std::string& text);

// The address of ours from which packets go to the host of `url`. Sends none.
base::Result<std::string> address_towards(const std::string& url);

class PeerService {
 public:
  // `view` outlives it. Makes a key of its own. Errors as http::start_server().
  static base::Result<std::unique_ptr<PeerService>> start(const PeerOptions& options,
                                                          const ClusterView& view,
                                                          store::StoreConfig store,
                                                          std::string node);
  // What the Checkpoints of this node say of it.
  [[nodiscard]] const SourcePeer& peer() const { return peer_; }

 private:
  PeerService(const ClusterView& view, store::StoreConfig store, std::string node)
      : view_(view), store_(std::move(store)), node_(std::move(node)) {}
  [[nodiscard]] std::optional<CheckpointObject> claimed_with(std::string_view token) const;
  bool may_read(std::string_view token, const std::string& object);
  // Whether we gave it, by our own catalog, and nobody has gone on from it here.
  [[nodiscard]] base::Result<bool> is_given(const CheckpointObject& checkpoint,
                                            const SavedContainer& container) const;
  base::Result<bool> needs(const CheckpointObject& claimed, const base::CheckpointId& checkpoint,
                           const std::string& pack);
  // The store as that of the claimed object's namespace.
  [[nodiscard]] store::StoreConfig of_namespace(const CheckpointObject& claimed) const;
  [[nodiscard]] bool is_key_for(const CheckpointObject& claimed, const std::string& object) const;
  [[nodiscard]] std::filesystem::path place_of(std::string_view token,
                                               const std::string& object) const;

  const ClusterView& view_;
  store::StoreConfig store_;
  std::string node_;
  SourcePeer peer_;
  std::mutex lock_;
  std::map<std::string, std::set<std::string>> packs_;  // of checkpoints, by id
  std::unique_ptr<http::Server> server_;                // last: it calls us until it has ended
};

}  // namespace reprise::daemon
