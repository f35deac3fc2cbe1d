// SPDX-License-Identifier: Apache-2.0
//
// Waiting: for the client's own limit of requests, and before another try.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>

namespace reprise::kube {

// False if `stop`, which may be null, became true meanwhile.
bool pause_for(std::chrono::milliseconds time, const std::atomic<bool>* stop);

// A random part of the second half taken off, so that many who were turned away at once do not come
// back at once.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds wait);

// A bucket of `burst` requests that fills by so many per second. For any number of threads, which
// go in the order in which they came.
class RequestPace {
 public:
  using Clock = std::chrono::steady_clock;
  RequestPace(double per_second, double burst)
      : per_second_(per_second), burst_(burst), there_(burst) {}

  // Waits for a request's turn; false if `stop` became true meanwhile.
  bool take(const std::atomic<bool>* stop);
  // How long the one who takes a turn at `now` has to wait.
  std::chrono::milliseconds reserve(Clock::time_point now);

 private:
  std::mutex lock_;
  double per_second_, burst_;
  double there_;  // below zero: so many are waiting
  Clock::time_point counted_ = Clock::now();
};

}  // namespace reprise::kube
