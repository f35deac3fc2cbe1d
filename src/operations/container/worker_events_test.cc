// SPDX-License-Identifier: Apache-2.0
//
// Following a worker, over a real socket.
#include "operations/container/worker_events.h"

#include <gtest/gtest.h>

#include "operations/internal/test_progress.h"

namespace reprise::operations {
namespace {

using base::ErrorCode;

base::Result<host::Outcome> follow_messages(const std::vector<std::string>& messages,
                                            TestProgress& progress) {
  auto pair = sys::MessageSocket::pair();
  EXPECT_TRUE(pair) << pair.error().message();
  auto& [ours, theirs] = *pair;
  host::WorkerLink link{.socket = std::move(ours)};
  {
    sys::MessageSocket worker = std::move(theirs);
    for (const std::string& message : messages) EXPECT_TRUE(worker.send(message));
  }  // the worker ends
  return follow(link, base::SessionId("s1"), "web: checkpoint", progress);
}

TEST(Follow, ReturnsTheOutcomeAndTellsThePhases) {
  TestProgress progress;
  const auto event =
      follow_messages({host::encode(host::Phase{.name = "dump"}),
                       host::encode(host::Outcome{.status = host::Outcome::Status::kDone,
                                                  .reason = {},
                                                  .hint = {},
                                                  .checkpoint = base::CheckpointId("c1"),
                                                  .freeze_ms = 12})},
                      progress);
  ASSERT_TRUE(event) << event.error().message();
  EXPECT_EQ(event->checkpoint.str(), "c1");
  EXPECT_EQ(event->freeze_ms, 12);
  EXPECT_EQ(progress.told, (std::vector<std::string>{"begin web: checkpoint", "step dump", "end"}));
}

TEST(Follow, MakesAnErrorOfAFailure) {
  TestProgress progress;
  const auto event = follow_messages(
      {host::encode(host::failed_outcome(
          base::Error(ErrorCode::kUnsupported, "an io_uring").with_hint("do not")))},
      progress);
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(event.error().message(), "an io_uring");
  EXPECT_EQ(event.error().hint(), "do not");
}

TEST(Follow, NoticesThatTheWorkerDied) {
  TestProgress progress;
  const auto event = follow_messages({}, progress);
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error().code(), ErrorCode::kGone);
  EXPECT_EQ(event.error().hint(), "see 'reprise logs s1'");
}

}  // namespace
}  // namespace reprise::operations
