// SPDX-License-Identifier: Apache-2.0
#include "session/seal_hold.h"

#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <csignal>

#include "session/freeze.h"
#include "session/internal/test_container.h"

namespace reprise::session {
namespace {

using base::ErrorCode;

class SealHoldTest : public TestContainer {};

TEST_F(SealHoldTest, TasksThatCriuStillHasAreHeld) {
  run();
  ASSERT_EQ(::ptrace(PTRACE_SEIZE, state().init.pid, nullptr, nullptr), 0);
  ASSERT_TRUE(hold_for_seal(state()));
  EXPECT_TRUE(is_frozen());
}

// They may have run since they were dumped: what was written must not become the truth.
TEST_F(SealHoldTest, TasksThatCriuLetGoAreNotSealed) {
  run();
  const auto held = hold_for_seal(state());
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code(), ErrorCode::kGone);
  EXPECT_FALSE(is_frozen());
}

TEST_F(SealHoldTest, TasksThatHaveEndedAreNotSealed) {
  run();
  const oci::State before = state();
  end_process();
  EXPECT_FALSE(hold_for_seal(before));
  EXPECT_FALSE(is_frozen());
}

TEST_F(SealHoldTest, SealedTasksEndWithoutRunning) {
  run();
  freeze();
  EXPECT_TRUE(end_sealed_tasks(state()).value());
  EXPECT_FALSE(is_frozen()) << "on cgroup v1 they would not end";
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

TEST_F(SealHoldTest, TasksThatRunAreNotEndedHere) {
  run();
  EXPECT_FALSE(end_sealed_tasks(state()).value());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

TEST_F(SealHoldTest, WithoutACgroupTheyAreEndingAlready) {
  run();
  fs::remove_all(cgroup_);
  EXPECT_FALSE(end_sealed_tasks(state()).value());
}

TEST_F(SealHoldTest, AFreezerThatDoesNotAnswerIsNoAnswer) {
  run();
  fs::remove(cgroup_ / "cgroup.freeze");
  fs::create_directory(cgroup_ / "cgroup.freeze");
  EXPECT_FALSE(end_sealed_tasks(state()));
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/true), DumpedTasks::kUnknown);
}

TEST_F(SealHoldTest, WhatRuncRemembersMustBeRead) {
  run();
  write(runc_root_ / "web/state.json", "{");
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/true), DumpedTasks::kUnknown);
}

TEST_F(SealHoldTest, SettlingTellsWhatBecameOfThem) {
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/true), DumpedTasks::kEnded)
      << "runc knows of none";
  run();
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/true), DumpedTasks::kRunOn);
  freeze();
  ASSERT_TRUE(note_freeze(layout_, request_));
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/false), DumpedTasks::kRunOn);
  EXPECT_FALSE(is_frozen());
  freeze();
  EXPECT_EQ(settle_tasks(layout_, request_, /*sealed=*/true), DumpedTasks::kEnded);
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

TEST_F(SealHoldTest, WhatIsAboutToEndDoesNotLive) {
  run();
  const oci::State before = state();
  EXPECT_TRUE(lives(before));
  oci::State other = before;
  other.init.start_ticks += 1;
  EXPECT_FALSE(lives(other)) << "the pid belongs to another process now";
  ::kill(before.init.pid, SIGKILL);
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(before.init.pid), &ended, WEXITED | WNOWAIT);
  EXPECT_FALSE(lives(before)) << "nobody has waited for it yet";
  end_process();
  EXPECT_FALSE(lives(before));
}

}  // namespace
}  // namespace reprise::session
