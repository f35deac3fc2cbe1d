// SPDX-License-Identifier: Apache-2.0
#include "kube/internal/micro_time.h"

#include "base/clock.h"

namespace reprise::kube {

std::string micro_time(std::chrono::system_clock::time_point time) {
  using std::chrono::microseconds;
  const auto since = std::chrono::floor<microseconds>(time.time_since_epoch()).count();
  std::string text = base::to_iso8601(since / 1000);
  text.pop_back();  // the Z
  const std::string fraction = std::to_string(since % 1'000'000);
  return text + "." + std::string(6 - fraction.size(), '0') + fraction + "Z";
}

}  // namespace reprise::kube
