// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace reprise::base {
namespace {

class FaultPointTest : public testing::Test {
 protected:
  static void set(const std::string& faults) { ::setenv("REPRISE_FAULT", faults.c_str(), 1); }
  void TearDown() override { ::unsetenv("REPRISE_FAULT"); }
};

TEST_F(FaultPointTest, OnlyTheNamedPointsFail) {
  EXPECT_TRUE(fault_point("seal"));
  set("seal:fail,other:fail");
  const auto failed = fault_point("seal");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message(), "fault point 'seal'");
  EXPECT_FALSE(fault_point("other"));
  EXPECT_TRUE(fault_point("sea"));
  EXPECT_TRUE(fault_point(""));
}

TEST_F(FaultPointTest, OnceWithAFile) {
  const std::string file = testing::TempDir() + "reprise-fault-" + std::to_string(::getpid());
  std::ofstream(file) << "";
  set("seal:fail:" + file);
  EXPECT_FALSE(fault_point("seal"));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(fault_point("seal"));
}

TEST_F(FaultPointTest, KillsAndStops) {
  set("one:kill,two:stop");
  const pid_t killed = ::fork();
  if (killed == 0) ::_exit(fault_point("one") ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(killed, &status, 0), killed);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

  const pid_t stopped = ::fork();
  if (stopped == 0) ::_exit(fault_point("two") ? 0 : 1);
  ASSERT_EQ(::waitpid(stopped, &status, WUNTRACED), stopped);
  EXPECT_TRUE(WIFSTOPPED(status));
  ::kill(stopped, SIGCONT);
  ASSERT_EQ(::waitpid(stopped, &status, 0), stopped);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it goes on when continued";
}

}  // namespace
}  // namespace reprise::base
