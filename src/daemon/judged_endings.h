// SPDX-License-Identifier: Apache-2.0
//
// Endings that were judged a checkpoint a moment ago, of which the catalog need not know yet.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace reprise::daemon {

// For any number of threads.
class JudgedEndings {
 public:
  using Clock = std::chrono::steady_clock;

  // A session begins within this time of the answer, or not at all.
  static constexpr std::chrono::seconds kMoment{30};

  void note(const std::string& pod_uid, const std::string& container,
            Clock::time_point now = Clock::now()) {
    const std::lock_guard hold(lock_);
    std::erase_if(judged_, [now](const auto& one) { return now - one.second > kMoment; });
    judged_[pod_uid + "/" + container] = now;
  }

  // Whether a session of it may still be about to begin.
  [[nodiscard]] bool may_begin(const std::string& pod_uid, const std::string& container,
                               Clock::time_point now = Clock::now()) const {
    const std::lock_guard hold(lock_);
    const auto found = judged_.find(pod_uid + "/" + container);
    return found != judged_.end() && now - found->second <= kMoment;
  }

 private:
  mutable std::mutex lock_;
  std::map<std::string, Clock::time_point> judged_;
};

}  // namespace reprise::daemon
