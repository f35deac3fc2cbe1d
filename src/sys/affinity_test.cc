// SPDX-License-Identifier: Apache-2.0
#include "sys/affinity.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <thread>

namespace reprise::sys {
namespace {

TEST(ParseCpuList, ReadsWhatTheKernelWrites) {
  EXPECT_EQ(parse_cpu_list("0-3,8").value(), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("5").value(), (std::vector<int>{5}));
  EXPECT_TRUE(parse_cpu_list("").value().empty());
}

TEST(ParseCpuList, RefusesEverythingElse) {
  for (const char* bad : {"x", "1-", "-1", "0,,1", "1-2-3", "8192", "99999999999", "0 1"})
    EXPECT_EQ(parse_cpu_list(bad).error().code(), base::ErrorCode::kInvalidInput) << bad;
}

TEST(SetAffinity, BindsAThreadOrLeavesItAlone) {
  std::thread([] {  // so that the test's own thread stays as it is
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &set)) ++cpu;
    ASSERT_TRUE(set_affinity(::gettid(), std::to_string(cpu)));
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
    EXPECT_TRUE(CPU_ISSET(cpu, &set));

    const auto none = set_affinity(::gettid(), "8000");
    EXPECT_EQ(none.error().code(), base::ErrorCode::kInvalidInput);
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    EXPECT_EQ(CPU_COUNT(&set), 1);
  })
      .join();
}

}  // namespace
}  // namespace reprise::sys
