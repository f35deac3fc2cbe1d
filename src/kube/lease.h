// SPDX-License-Identifier: Apache-2.0
//
// A duty that one of many has at a time: a Lease of coordination.k8s.io/v1.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace reprise::kube {

struct LeaseOptions {
  std::string namespace_, name;
  // Of this process, not of the node: during an upgrade two of a node may be there.
  std::string identity;
  std::chrono::milliseconds duration{15'000};  // others may take it when it is not renewed so long;
                                               // Kubernetes counts whole seconds
  std::chrono::milliseconds renewal{5'000};    // how often it is renewed, or others' is looked at
  std::chrono::milliseconds release{600};      // how long the end waits until it is given back
};

// Tries to get the duty and to keep it, on a thread of its own. No clock of another host decides:
// who waits counts from when it saw the last renewal, who holds counts from before it asked for
// one, and gives up a fifth of the duration earlier. Needs verbs get, create and update on leases
// of coordination.k8s.io.
class Lease {
 public:
  // `on_change` is called by the lease's thread when the duty was got or lost; `why` says what kept
  // us from renewing or asking (null otherwise), and is told once until it has passed. `client`
  // outlives the lease.
  using OnChange = std::function<void(bool held, const base::Error* why)>;
  static std::unique_ptr<Lease> start(Client& client, LeaseOptions options,
                                      OnChange on_change = nullptr);
  // Gives it back, so that another need not wait: within `release` (a request that is given up then
  // takes 0.2 s more), or not at all.
  virtual ~Lease() = default;

  // Whether it is ours now, also while the thread hangs in a request. Who does something that must
  // not be done by two looks before each step, and a compare-and-swap guards the rest.
  [[nodiscard]] virtual bool is_held() const = 0;
};

}  // namespace reprise::kube
