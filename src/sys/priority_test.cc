// SPDX-License-Identifier: Apache-2.0
#include "sys/priority.h"

#include <gtest/gtest.h>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace reprise::sys {
namespace {

TEST(Priority, IsTheLowestOfTheThreadThatAskedForIt) {
  std::thread([] {
    const auto lowered = lower_priority();
    EXPECT_TRUE(lowered) << lowered.error().details();
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 19);
    EXPECT_EQ(::syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0),
              IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7));
  }).join();
}

}  // namespace
}  // namespace reprise::sys
