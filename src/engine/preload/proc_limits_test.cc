// SPDX-License-Identifier: Apache-2.0
#include "engine/preload/proc_limits.h"

#include <gtest/gtest.h>

#include <string>

#include "sys/files.h"

namespace reprise::engine::preload {
namespace {

// As Linux 6.18 prints it, shortened.
constexpr std::string_view kText =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max file size             4096                 unlimited            bytes     \n"
    "Max data size             18446744073709551614 unlimited            bytes     \n";

TEST(ProcLimits, FindsSoftAndHard) {
  const auto size = find_limit(kText, RLIMIT_FSIZE);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->rlim_cur, 4096U);
  EXPECT_EQ(size->rlim_max, RLIM64_INFINITY);
  EXPECT_EQ(find_limit(kText, RLIMIT_CPU)->rlim_cur, RLIM64_INFINITY);
  EXPECT_EQ(find_limit(kText, RLIMIT_DATA)->rlim_cur, 18446744073709551614U);
}

TEST(ProcLimits, DoesNotInventALimit) {
  EXPECT_FALSE(find_limit(kText, RLIMIT_NOFILE));
  EXPECT_FALSE(find_limit(kText, -1));
  EXPECT_FALSE(find_limit("", RLIMIT_CPU));
  for (std::size_t length = 0; length < kText.size(); ++length)
    EXPECT_FALSE(find_limit(kText.substr(0, length), RLIMIT_STACK)) << length;
  EXPECT_FALSE(find_limit(kText.substr(0, 100), RLIMIT_CPU));  // cut before the values
}

// The kernel's own answer is what the text must give.
TEST(ProcLimits, AgreesWithTheKernel) {
  const auto text = sys::read_file("/proc/self/limits");
  ASSERT_TRUE(text);
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit64 expected{};
    ASSERT_EQ(::getrlimit64(static_cast<__rlimit_resource>(resource), &expected), 0);
    const auto found = find_limit(*text, resource);
    ASSERT_TRUE(found) << resource;
    EXPECT_EQ(found->rlim_cur, expected.rlim_cur) << resource;
    EXPECT_EQ(found->rlim_max, expected.rlim_max) << resource;
  }
}

}  // namespace
}  // namespace reprise::engine::preload
