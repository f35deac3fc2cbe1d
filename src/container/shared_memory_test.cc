// SPDX-License-Identifier: Apache-2.0
#include "container/shared_memory.h"

#include <gtest/gtest.h>

namespace reprise::container {
namespace {

TEST(SharedMemory, CopiesAreOrderedByTheTimeOfTheirOwnersStop) {
  const MemoryCopy first = memory_copy_now("m1");
  const MemoryCopy second = memory_copy_now("m1");
  EXPECT_LE(first.boot_time_ns, second.boot_time_ns);
  const auto read = decode_memory_copy(encode(second));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mark, "m1");
  EXPECT_EQ(read->boot_time_ns, second.boot_time_ns);
  EXPECT_EQ(decode_memory_copy("m1").error().code(), base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace reprise::container
