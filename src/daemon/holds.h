// SPDX-License-Identifier: Apache-2.0
//
// For how long pods are held where it is not known what they go on from.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace reprise::daemon {

// For any number of threads.
class Holds {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Holds(std::chrono::seconds longest) : longest_(longest) {}

  // Whether the pod of this UID may be held, again: not for longer than `longest` since the first
  // time. One that was held long ago, and not since, is held anew.
  bool may_hold(const std::string& uid, Time now);
  // It is not held any more.
  void release(const std::string& uid);

 private:
  struct Hold {
    Time since, last;
  };
  const std::chrono::seconds longest_;
  std::mutex lock_;
  std::map<std::string, Hold> holds_;
};

}  // namespace reprise::daemon
