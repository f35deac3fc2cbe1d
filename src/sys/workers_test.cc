// SPDX-License-Identifier: Apache-2.0
#include "sys/workers.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace reprise::sys {
namespace {

TEST(WorkersTest, AreBusyWhileEachHasATask) {
  std::promise<void> go;
  const std::shared_future<void> gone(go.get_future());
  std::vector<std::future<void>> tasks;
  Workers workers;
  while (tasks.size() < workers.count()) {
    EXPECT_FALSE(workers.busy()) << tasks.size();
    tasks.push_back(workers.run([gone] { gone.wait(); }));
  }
  EXPECT_TRUE(workers.busy());
  go.set_value();
  for (auto& task : tasks) task.get();
  while (workers.busy()) std::this_thread::yield();  // for ever, if it forgot to count one down
}

}  // namespace
}  // namespace reprise::sys
