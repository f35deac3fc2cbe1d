// SPDX-License-Identifier: Apache-2.0
#include "host/filling.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::host {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

class FillingTest : public ::testing::Test {
 protected:
  FillingTest() {
    request_.session = base::SessionId("sess00000001");
    request_.container = base::ContainerId("c1");
    request_.what = RestoreRequest{.bundle = "/bundle",
                                   .checkpoint = base::CheckpointId("ckpt00000001"),
                                   .globals = {},
                                   .options = {}};
  }
  [[nodiscard]] Identity who() const { return identity_of(request_); }

  sys::TestDirectory directory_;
  Layout layout_{
      .store = directory_.path() / "store", .run = directory_.path() / "run", .runc = {}};
  WorkerRequest request_;
};

TEST_F(FillingTest, WhoIsNotFilledIsNotWaitedFor) {
  EXPECT_EQ(is_filling(layout_, who()), Filling::kNo);
  EXPECT_TRUE(await_filled(layout_, who(), milliseconds{0}));
  EXPECT_TRUE(abandoned_fillings(layout_)->empty());
}

TEST_F(FillingTest, AsLongAsTheLockIsHeldItIsUnderWay) {
  const auto lock = note_filling(layout_, request_);
  ASSERT_TRUE(lock) << lock.error().message();
  ASSERT_TRUE(report_filling(layout_, who(), {.missing = 3 << 20, .filled = 1 << 20}));
  EXPECT_EQ(is_filling(layout_, who()), Filling::kUnderWay);
  const auto waited = await_filled(layout_, who(), milliseconds{0});
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(waited.error().message().contains("3 of 4 MiB are missing"))
      << waited.error().message();
  EXPECT_TRUE(abandoned_fillings(layout_)->empty());
  const auto all = fillings(layout_);
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().request.restore().checkpoint.str(), "ckpt00000001");
  EXPECT_EQ(all->front().progress.missing, 3U << 20);
  forget_filling(layout_, who());
  EXPECT_EQ(is_filling(layout_, who()), Filling::kNo);
  EXPECT_FALSE(filling_progress(layout_, who()));
}

TEST_F(FillingTest, WithoutItsPagerItIsAbandoned) {
  std::optional<sys::FileLock> lock = note_filling(layout_, request_).value();
  lock.reset();
  EXPECT_EQ(is_filling(layout_, who()), Filling::kAbandoned);
  EXPECT_TRUE(fillings(layout_)->empty());
  EXPECT_EQ(await_filled(layout_, who(), milliseconds{0}).error().code(), ErrorCode::kGone);
  const auto abandoned = abandoned_fillings(layout_);
  ASSERT_TRUE(abandoned);
  ASSERT_EQ(abandoned->size(), 1U);
  EXPECT_EQ(abandoned->front().request.session, request_.session);
  EXPECT_EQ(abandoned->front().request.restore().checkpoint.str(), "ckpt00000001");
}

TEST_F(FillingTest, AReportThatIsJustBeingWrittenIsNoFilling) {
  const auto lock = note_filling(layout_, request_);
  ASSERT_TRUE(lock) << lock.error().message();
  const auto report = layout_.filling_of(who()).string() + "+progress.tmp17862-2";
  ASSERT_TRUE(sys::replace_file(report, R"({"missing": 1, "filled": 2})"));
  const auto abandoned = abandoned_fillings(layout_);
  ASSERT_TRUE(abandoned) << abandoned.error().message();
  EXPECT_TRUE(abandoned->empty());
  ASSERT_TRUE(sys::replace_file(report, ""));
  EXPECT_TRUE(abandoned_fillings(layout_)->empty());
  EXPECT_TRUE(std::filesystem::exists(report));
}

TEST_F(FillingTest, WhoBeginsAnewWaitsForItAndForgetsIt) {
  EXPECT_TRUE(settle_filling(layout_, who()));
  auto lock = std::make_unique<sys::FileLock>(note_filling(layout_, request_).value());
  std::thread begins([&] { EXPECT_TRUE(settle_filling(layout_, who())); });
  EXPECT_EQ(is_filling(layout_, who()), Filling::kUnderWay);
  lock.reset();
  begins.join();
  EXPECT_EQ(is_filling(layout_, who()), Filling::kNo);
}

}  // namespace
}  // namespace reprise::host
