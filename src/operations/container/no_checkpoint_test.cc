// SPDX-License-Identifier: Apache-2.0
#include "operations/container/no_checkpoint.h"

#include <gtest/gtest.h>

namespace reprise::operations {
namespace {

using catalog::LifeEvent;

class NoCheckpointTest : public testing::Test {
 protected:
  void live(std::initializer_list<LifeEvent> events) {
    for (const LifeEvent event : events) last_.lives.push_back({.time = ++now_, .event = event});
  }
  [[nodiscard]] std::string reason() const { return explain(last_, info_).reason; }

  LastLife last_;
  podman::ContainerInfo info_;
  base::UnixMillis now_ = 0;
};

TEST_F(NoCheckpointTest, OfOneThatNeverRan) {
  EXPECT_EQ(reason(), "there is no checkpoint to continue from");
  EXPECT_EQ(explain(last_, info_).hint, "");
}

TEST_F(NoCheckpointTest, SaysHowTheLastRunEnded) {
  live({LifeEvent::kStarted});
  EXPECT_TRUE(reason().starts_with("its last run was cut off")) << reason();
  live({LifeEvent::kEnded});
  EXPECT_EQ(reason(), "it ended by itself (exit status 0)");
  info_.exit_code = 137;
  EXPECT_TRUE(reason().starts_with("it was killed (SIGKILL)")) << reason();
  info_.out_of_memory = true;
  EXPECT_TRUE(reason().starts_with("it was killed because memory ran out")) << reason();
}

TEST_F(NoCheckpointTest, AFailedSessionIsTheReasonOnlyInTheLifeInWhichItFailed) {
  live({LifeEvent::kStarted, LifeEvent::kEnded});
  last_.failed = catalog::SessionRow{.id = base::SessionId("s1"),
                                     .begin = now_,
                                     .status = catalog::SessionStatus::kFailed,
                                     .reason = "a nested user namespace",
                                     .hint = "do without"};
  EXPECT_EQ(reason(), "its last stop took no checkpoint: a nested user namespace");
  EXPECT_EQ(explain(last_, info_).hint, "do without");
  live({LifeEvent::kStarted, LifeEvent::kEnded});
  EXPECT_EQ(reason(), "it ended by itself (exit status 0)");
}

TEST_F(NoCheckpointTest, NamesTheCheckpointThatIsListedAndTheCommand) {
  live({LifeEvent::kStarted, LifeEvent::kRestored});
  last_.checkpoints = {catalog::CheckpointRow{.id = base::CheckpointId("ckpt1")}};
  EXPECT_TRUE(reason().ends_with("; its newest checkpoint is 'ckpt1'")) << reason();
  EXPECT_TRUE(explain(last_, info_).hint.starts_with("'reprise restore ckpt1'"));
}

// It ended by SIGKILL, as all do that are sealed, which is not why there is nothing.
TEST_F(NoCheckpointTest, ACheckpointThatWasRemovedIsTheReason) {
  live({LifeEvent::kStarted, LifeEvent::kCheckpointed, LifeEvent::kEnded});
  last_.lives[1].checkpoint = base::CheckpointId("ckpt1");
  last_.lives[1].detail = "stop";
  info_.exit_code = 137;
  EXPECT_EQ(reason(), "checkpoint 'ckpt1', with which its last life ended, was removed");
  last_.checkpoints = {catalog::CheckpointRow{.id = base::CheckpointId("ckpt1")}};
  EXPECT_TRUE(reason().contains("is not to be gone on from any more")) << reason();
}

}  // namespace
}  // namespace reprise::operations
