// SPDX-License-Identifier: Apache-2.0
#include "sys/stop_signal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sys/files.h"

namespace reprise::sys {
namespace {

bool is_stopped(pid_t pid) {
  return read_file("/proc/" + std::to_string(pid) + "/stat").value_or("").contains(") T ");
}

TEST(StopSignal, IsTheOneThatStopped) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);  // else nobody could continue it, and only SIGSTOP would stop it
    for (;;) ::pause();
  }
  ::setpgid(child, child);
  for (const int signal : {SIGTSTP, SIGSTOP, SIGTTIN}) {
    ::kill(child, signal);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
    EXPECT_EQ(stop_signal(child).value_or(0), signal);
    EXPECT_TRUE(is_stopped(child));
    ::kill(child, SIGCONT);
    ASSERT_EQ(::waitpid(child, &status, WCONTINUED), child);
  }
  EXPECT_EQ(stop_signal(child).error().code(), base::ErrorCode::kBusy);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(stop_signal(child).error().code(), base::ErrorCode::kGone);
}

}  // namespace
}  // namespace reprise::sys
