// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/lost_limits.h"

#include <gtest/gtest.h>

#include "sys/test_directory.h"

namespace reprise::engine {
namespace {

namespace fs = std::filesystem;

// The images of a process of two threads under `ulimit -c 0 -Sn 100 -Hn 200`.
class LostLimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"core-process.img", "core-thread.img"})
      fs::copy_file(fs::path(REPRISE_IMAGE_TESTDATA) / name, images_ / name);
    ours_.fill(RLIM64_INFINITY);
  }

  sys::TestDirectory images_;
  HardLimits ours_{};
};

TEST_F(LostLimitsTest, NamesWhatCannotBeRaised) {
  EXPECT_EQ(limits_above(images_.path(), ours_), "");
  ours_[RLIMIT_NOFILE] = 200;
  EXPECT_EQ(limits_above(images_.path(), ours_), "");
  ours_[RLIMIT_NOFILE] = 150;
  EXPECT_EQ(limits_above(images_.path(), ours_), "open files (200, here 150)");
  ours_[RLIMIT_STACK] = 1;
  EXPECT_EQ(limits_above(images_.path(), ours_),
            "stack size (unlimited, here 1), open files (200, here 150)");
}

TEST_F(LostLimitsTest, DamagedImagesAreAnError) {
  [[maybe_unused]] const auto file = images_.file("core-7.img", "damaged");
  const auto lost = limits_above(images_.path(), ours_);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), base::ErrorCode::kCorrupt);
  EXPECT_FALSE(limits_above(images_ / "missing", ours_));
}

TEST(LostLimits, OwnLimitsAreTheKernels) {
  rlimit64 limit{};
  ASSERT_EQ(::getrlimit64(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(own_hard_limits()[RLIMIT_NOFILE], limit.rlim_max);
}

}  // namespace
}  // namespace reprise::engine
