// SPDX-License-Identifier: Apache-2.0
#include "image/criu_core.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {
namespace {

using base::ErrorCode;

// Written by CRIU 4.2.1 for a process of two threads under `ulimit -c 0 -Sn 100 -Hn 200`.
std::string real_file(const char* name) {
  std::ifstream file(std::string(REPRISE_IMAGE_TESTDATA) + "/" + name, std::ios::binary);
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CriuCoreTest, LimitsOfAProcess) {
  const auto limits = decode_core_limits(real_file("core-process.img"));
  ASSERT_TRUE(limits) << limits.error().message();
  ASSERT_EQ(limits->size(), 16U);
  constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
  EXPECT_EQ((*limits)[0], (CriuLimit{.soft = kUnlimited, .hard = kUnlimited}));
  EXPECT_EQ((*limits)[3], (CriuLimit{.soft = 8388608, .hard = kUnlimited}));
  EXPECT_EQ((*limits)[4], (CriuLimit{.soft = 0, .hard = 0}));
  EXPECT_EQ((*limits)[7], (CriuLimit{.soft = 100, .hard = 200}));
}

TEST(CriuCoreTest, OtherThreadsHaveNone) {
  const auto limits = decode_core_limits(real_file("core-thread.img"));
  ASSERT_TRUE(limits) << limits.error().message();
  EXPECT_TRUE(limits->empty());
}

TEST(CriuCoreTest, EveryTruncationIsCorrupt) {
  const std::string file = real_file("core-process.img");
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto limits = decode_core_limits(file.substr(0, length));
    ASSERT_FALSE(limits) << length;
    EXPECT_EQ(limits.error().code(), ErrorCode::kCorrupt);
  }
}

// A core image with one timer.
std::string timer_image(std::uint64_t notify, std::uint64_t thread) {
  CriuMessageWriter timer;
  // A field that we do not know goes to the end.
  timer.add(1, 5).add(4, notify).add(11, thread).add(2, 1);
  CriuMessageWriter core;
  core.add(3,
           CriuMessageWriter().add(7, CriuMessageWriter().add(4, timer.bytes()).bytes()).bytes());
  return encode_criu_image(kCoreMagic, core);
}

// Timers of glibc (SIGEV_THREAD) and profilers of Go signal a certain thread. CRIU had saved a
// number that it had not read: the checkpoint was sealed, and no start could restore it.
TEST(CriuCoreTest, TimersSignalTheThreadThatIsGiven) {
  EXPECT_EQ(set_timer_threads(timer_image(4, 0x7fffffff), {{5, 12}}).value(), timer_image(4, 12));
  EXPECT_EQ(set_timer_threads(timer_image(0, 9), {}).value(), timer_image(0, 9));
  EXPECT_EQ(set_timer_threads(timer_image(0, 9), {{5, 12}}).value(), timer_image(4, 12));
  EXPECT_FALSE(set_timer_threads(timer_image(4, 9), {{6, 12}}));
  const std::string none = set_timer_threads(timer_image(4, 9), {{5, 0}}).value();
  EXPECT_LT(none.size(), timer_image(1, 9).size()) << "it signals nobody";
}

TEST(CriuCoreTest, OtherFilesAreCorrupt) {
  EXPECT_FALSE(decode_core_limits(real_file("stats-dump")));
  EXPECT_FALSE(decode_core_limits(real_file("core-process.img") + "x"));
}

}  // namespace
}  // namespace reprise::image
