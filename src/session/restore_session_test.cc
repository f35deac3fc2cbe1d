// SPDX-License-Identifier: Apache-2.0
//
// One restore, from claim to outcome, with an engine and a runc that only say what they were asked
// for: when its tasks run, and what is undone if they do not.
#include "session/restore_session.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "host/message.h"
#include "session/internal/test_restore.h"

namespace reprise::session {
namespace {

using base::ErrorCode;

TEST_F(RestoreTest, TasksRunWhenTheClaimIsConsumed) {
  criu_.before = [this](const std::string& name) {
    EXPECT_TRUE(is_claimed()) << name;
    EXPECT_EQ(is_frozen(), name == "leave") << "from before they are let go";
  };
  const auto outcome = restore();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(criu_.calls, (std::vector<std::string>{"begin", "namespaces_made", "tasks_made",
                                                   "may_run", "leave"}));
  EXPECT_FALSE(is_claimed());
  EXPECT_FALSE(is_frozen());
  EXPECT_TRUE(fs::exists(layout_.restored_marker_of(host::identity_of(request_))))
      << "for whoever finds it running without having heard of it";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "it runs";
}

TEST_F(RestoreTest, TheWrapperIsToldWhatToRun) {
  ASSERT_TRUE(restore().ok());
  for (;;) {
    const auto message = wrapper_->receive(std::chrono::seconds(20));
    ASSERT_TRUE(message && *message);
    const auto decoded = host::decode_worker_message(**message).value();
    const auto* ready = std::get_if<host::Ready>(&decoded);
    if (ready == nullptr) continue;
    EXPECT_EQ(ready->argv, (std::vector<std::string>{"runc", "restore"}));
    EXPECT_EQ(ready->image_path, criu_.asked_to_restore->images.string());
    break;
  }
}

TEST_F(RestoreTest, WhatTheWrapperDoesNotTellDidNotHappen) {
  const auto outcome = restore(Wrapper::kIsKilled);
  EXPECT_EQ(outcome.code, ErrorCode::kGone);
  EXPECT_NE(calls().find("delete --force web"), std::string::npos) << calls();
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL) << "none of its tasks has run, and none may";
  expect_undone();
}

TEST_F(RestoreTest, WhyItFailedDependsOnHowTheEngineEnded) {
  using End = engine::RestoreEnd;
  const std::vector<std::pair<End, ErrorCode>> table{{End::kNotBegun, ErrorCode::kBusy},
                                                     {End::kCutOff, ErrorCode::kGone},
                                                     {End::kRefused, ErrorCode::kUnsupported}};
  for (const auto& [end, code] : table) {
    criu_.end = end;
    EXPECT_EQ(restore(Wrapper::kTellsFailure).code, code) << static_cast<int>(end);
    expect_undone();
  }
}

// Each step of the session fails in turn.
class FailingRestoreTest : public RestoreTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, FailingRestoreTest,
                         testing::Values("restore-prepare", "restore-files", "restore-network",
                                         "before-restore", "noted-restore-begun", "restore-ready",
                                         "post-restore", "pre-resume", "noted-tasks-held",
                                         "claim-held"),
                         [](const auto& at) { return std::to_string(at.index); });

TEST_P(FailingRestoreTest, AllIsUndone) {
  ::setenv("REPRISE_FAULT", (std::string(GetParam()) + ":fail").c_str(), 1);  // NOLINT
  // runc fails if a step of CRIU did.
  const bool of_engine = std::string_view(GetParam()) != "claim-held";
  const auto outcome = restore(of_engine ? Wrapper::kTellsFailure : Wrapper::kTellsSuccess);
  ::unsetenv("REPRISE_FAULT");  // NOLINT: no other thread
  EXPECT_FALSE(outcome.ok());
  EXPECT_TRUE(outcome.reason.contains(GetParam())) << outcome.reason;
  expect_undone();
}

}  // namespace
}  // namespace reprise::session
