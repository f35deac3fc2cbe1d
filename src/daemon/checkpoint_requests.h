// SPDX-License-Identifier: Apache-2.0
//
// Carries out what CheckpointRequests ask of pods of this node, by the node's hands: one container
// after another, one request after another.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "daemon/checkpoint_request.h"
#include "daemon/cluster_view.h"
#include "host/layout.h"
#include "kube/client.h"
#include "kube/watch.h"

namespace reprise::daemon {

class CheckpointRequests {
 public:
  // `client` and `view` outlive it. Watches, and works on a thread of its own; its end waits for
  // the session of a container that is being saved, but for no further one.
  CheckpointRequests(kube::Client& client, const ClusterView& view, host::Layout layout,
                     std::string node);
  ~CheckpointRequests();
  CheckpointRequests(const CheckpointRequests&) = delete;
  CheckpointRequests& operator=(const CheckpointRequests&) = delete;

 private:
  class Listener;

  void run();
  [[nodiscard]] std::vector<CheckpointRequestObject> open() const;
  void look_at(CheckpointRequestObject request);
  void remove_old();
  void carry_out(CheckpointRequestObject request, const PodFacts& pod);
  RequestedContainer save(CheckpointRequestObject& request, const PodFacts& pod,
                          const std::string& container);
  // The status as it is in `request`; who lost a race reads it anew the next time.
  base::Result<void> write(CheckpointRequestObject& request);
  void end(CheckpointRequestObject& request, RequestPhase phase, const std::string& message);

  kube::Client& client_;
  const ClusterView& view_;
  host::Layout layout_;
  std::string node_;
  mutable std::mutex lock_;
  std::condition_variable change_;
  std::map<std::string, CheckpointRequestObject> requests_;  // by uid
  std::map<std::string, RequestPhase> dealt_with_;           // by uid: what was written last
  std::atomic<bool> stop_ = false;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<kube::Watch> watch_;
  std::thread thread_;
};

}  // namespace reprise::daemon
