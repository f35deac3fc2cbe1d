// SPDX-License-Identifier: Apache-2.0
//
// Whoever does something about what the cluster is like: looks again when that has changed, and
// from time to time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "daemon/cluster_view.h"

namespace reprise::daemon {

class Follower {
 public:
  struct Pace {
    std::chrono::milliseconds longest;  // after which it looks although nothing has changed
    std::chrono::milliseconds rest;     // after each look, since everything may change at once
  };
  // `view`, and what `look` uses, outlive it. Looks on a thread of its own, at once for the first
  // time. Its end waits for a look that is under way.
  Follower(const ClusterView& view, Pace pace, std::function<void()> look);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // For requests of `look` that are to be given up when it ends.
  [[nodiscard]] const std::atomic<bool>* ends() const { return &ends_; }

 private:
  void run();

  const ClusterView& view_;
  const Pace pace_;
  const std::function<void()> look_;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

}  // namespace reprise::daemon
