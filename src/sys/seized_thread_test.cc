// SPDX-License-Identifier: Apache-2.0
#include "sys/seized_thread.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace reprise::sys {
namespace {

constexpr std::chrono::seconds kPatience{5};

// Counts in its registers and on its stack, and ends with 0 when told by SIGUSR1.
[[noreturn]] void count() {
  static volatile sig_atomic_t told = 0;
  ::signal(SIGUSR1, [](int) { told = 1; });
  volatile std::uint64_t on_stack = 0;
  for (std::uint64_t in_register = 0; told == 0; ++in_register) {
    on_stack = on_stack + 1;
    if (on_stack != in_register + 1) ::_exit(1);
    if (::prctl(PR_GET_DUMPABLE) > 2) ::_exit(2);
  }
  ::_exit(0);
}

TEST(SeizedThreadTest, MakesSystemCallsAndGoesOnAsBefore) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to suspend seccomp";
  const pid_t child = ::fork();
  if (child == 0) count();
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    auto thread = SeizedThread::seize(child, kPatience);
    ASSERT_TRUE(thread) << thread.error().message();
    EXPECT_EQ(thread->call(SYS_getpid, {}).value_or(0), child);
    EXPECT_EQ(thread->call(SYS_close, {static_cast<std::uint64_t>(-1)}).value_or(0), -EBADF);
    const std::uint64_t word = 0;
    const auto at = thread->place(&word, sizeof(word));
    ASSERT_TRUE(at) << at.error().message();
    EXPECT_EQ(thread->call(SYS_prctl, {PR_GET_CHILD_SUBREAPER, *at}).value_or(-1), 0);
    std::uint64_t answer = 7;
    ASSERT_TRUE(thread->fetch(&answer, sizeof(answer)));
    EXPECT_EQ(answer, 0U);
    // Comes while the thread is ours, and must not get lost.
    if (round + 1 == kRounds) ::kill(child, SIGUSR1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(SeizedThreadTest, SaysWhatIsGoneAndWhatIsTraced) {
  EXPECT_EQ(SeizedThread::seize(4194304, kPatience).error().code(), base::ErrorCode::kGone);
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  {
    const auto first = SeizedThread::seize(child, kPatience);
    if (!first) GTEST_SKIP() << first.error().message();
    EXPECT_EQ(SeizedThread::seize(child, kPatience).error().code(), base::ErrorCode::kDenied);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace reprise::sys
