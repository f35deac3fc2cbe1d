// SPDX-License-Identifier: Apache-2.0
#include "daemon/holds.h"

namespace reprise::daemon {

bool Holds::may_hold(const std::string& uid, Time now) {
  // The kubelet tries again after five minutes at the latest.
  constexpr std::chrono::minutes kQuiet{10};
  const std::lock_guard hold(lock_);
  std::erase_if(holds_, [&](const auto& one) { return now - one.second.last > longest_ + kQuiet; });
  Hold& it = holds_.try_emplace(uid, Hold{.since = now, .last = now}).first->second;
  it.last = now;
  return now - it.since < longest_;
}

void Holds::release(const std::string& uid) {
  const std::lock_guard hold(lock_);
  holds_.erase(uid);
}

}  // namespace reprise::daemon
