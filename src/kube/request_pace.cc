// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/request_pace.h"

#include <algorithm>
#include <random>
#include <thread>

namespace reprise::kube {

using std::chrono::milliseconds;

bool pause_for(milliseconds time, const std::atomic<bool>* stop) {
  constexpr milliseconds kStep{50};
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (stop != nullptr && *stop) return false;
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= milliseconds{0}) return true;
    std::this_thread::sleep_for(std::min(left, kStep));
  }
}

milliseconds with_jitter(milliseconds wait) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(
      std::uniform_int_distribution<milliseconds::rep>(wait.count() / 2, wait.count())(random));
}

milliseconds RequestPace::reserve(Clock::time_point now) {
  const std::scoped_lock hold(lock_);
  const std::chrono::duration<double> passed = now - counted_;
  counted_ = now;
  there_ = std::min(burst_, there_ + passed.count() * per_second_) - 1;
  if (there_ >= 0) return milliseconds{0};
  return std::chrono::ceil<milliseconds>(std::chrono::duration<double>(-there_ / per_second_));
}

bool RequestPace::take(const std::atomic<bool>* stop) {
  return pause_for(reserve(Clock::now()), stop);
}

}  // namespace reprise::kube
