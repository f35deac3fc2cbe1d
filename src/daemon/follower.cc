// SPDX-License-Identifier: Apache-2.0
#include "daemon/follower.h"

#include <algorithm>
#include <utility>

namespace reprise::daemon {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Follower::Follower(const ClusterView& view, Pace pace, std::function<void()> look)
    : view_(view), pace_(pace), look_(std::move(look)), thread_([this] { run(); }) {}

Follower::~Follower() {
  ends_ = true;
  thread_.join();
}

void Follower::run() {
  constexpr milliseconds kEnd{1000};  // for so long our end may take
  while (!ends_) {
    const std::uint64_t seen = view_.version();
    look_();
    const auto deadline = steady_clock::now() + pace_.longest;
    while (!ends_ && view_.version() == seen && steady_clock::now() < deadline)
      view_.wait_change(seen, std::min(kEnd, pace_.longest));
    if (!ends_) std::this_thread::sleep_for(pace_.rest);
  }
}

}  // namespace reprise::daemon
