// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/parallel.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace reprise::remote {

base::Result<void> for_each(std::size_t count, unsigned threads, std::atomic<bool>& stop,
                            const std::function<base::Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::mutex lock;
  std::optional<base::Error> first;
  const auto run = [&] {
    for (std::size_t index = next++; index < count && !stop; index = next++) {
      base::Result<void> done = work(index);
      if (done) continue;
      const std::scoped_lock hold(lock);
      // The others end because of the first, and would only say so.
      if (!first) first = std::move(done).error();
      stop = true;
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, count); ++i)
      helpers.emplace_back(run);
    run();
  }
  if (first) return std::unexpected(std::move(*first));
  return {};
}

}  // namespace reprise::remote
