// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "sys/child.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
using std::chrono::seconds;

Child sleeper() {
  SpawnOptions options;
  options.argv = {"sleep", "600"};
  return Child::spawn(options).value();
}

TEST(ProcessRefTest, NamesALivingProcessAndNoOther) {
  const ProcessRef self = process_ref(::getpid()).value();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_TRUE(is_alive(self));
  ProcessRef reused = self;
  ++reused.start_ticks;
  EXPECT_FALSE(is_alive(reused)) << "same pid, another process";
  EXPECT_FALSE(is_alive(ProcessRef{}));
}

// Fields of /proc/PID/stat are counted from the last parenthesis, which the name may hold too.
TEST(ProcessRefTest, AMeanCommandNameDoesNotShiftTheFields) {
  const ProcessRef before = process_ref(::getpid()).value();
  std::array<char, 16> name{};
  ASSERT_EQ(::prctl(PR_GET_NAME, name.data(), 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_NAME, ") Z (1 2", 0, 0, 0), 0);
  const ProcessRef after = process_ref(::getpid()).value();
  ::prctl(PR_SET_NAME, name.data(), 0, 0, 0);
  EXPECT_EQ(after, before);
  EXPECT_TRUE(is_alive(after));
  EXPECT_GT(after.start_ticks, 0U);
}

TEST(ProcessRefTest, AZombieAndAReapedProcessAreGone) {
  Child child = sleeper();
  const ProcessRef ref = process_ref(child.pid()).value();
  EXPECT_TRUE(is_alive(ref));
  ASSERT_TRUE(child.kill(SIGKILL));
  pollfd ended{.fd = child.pidfd().get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ended, 1, 20000), 1);
  EXPECT_FALSE(is_alive(ref)) << "a zombie";
  ASSERT_TRUE(child.wait(seconds(20)));
  EXPECT_FALSE(is_alive(ref));
  EXPECT_EQ(process_ref(ref.pid).error().code(), ErrorCode::kGone);
}

TEST(BootIdTest, IsOneUuidWithoutNewline) {
  const std::string id = boot_id().value();
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(id, boot_id().value());
}

TEST(PidfdTest, SignalsTheProcessThenReportsItGone) {
  Child child = sleeper();
  const UniqueFd pidfd = open_pidfd(child.pid()).value();
  ASSERT_TRUE(send_signal(pidfd, SIGTERM));
  EXPECT_EQ(child.wait(seconds(20)).value().signal, SIGTERM);
  EXPECT_EQ(send_signal(pidfd, SIGTERM).error().code(), ErrorCode::kGone);
  EXPECT_EQ(open_pidfd(child.pid()).error().code(), ErrorCode::kGone);
}

TEST(ParseSignalTest, AcceptsNumbersAndNames) {
  const std::pair<std::string_view, int> cases[] = {
      {"15", SIGTERM},      {"TERM", SIGTERM}, {"SIGTERM", SIGTERM},
      {"sigterm", SIGTERM}, {"kill", SIGKILL}, {"SIGKILL", SIGKILL},
      {"SIGUSR1", SIGUSR1}, {"1", SIGHUP},     {"SIGINT", SIGINT},
      {"64", 64},           {"37", 37}};
  for (const auto& [text, number] : cases) EXPECT_EQ(parse_signal(text).value(), number) << text;
}

TEST(ParseSignalTest, RefusesEverythingElse) {
  for (const char* text : {"", "0", "-1", "65", "15x", " 15", "SIG", "SIGNOTHING", "SIGSIGTERM",
                           "99999999999999999999"})
    EXPECT_EQ(parse_signal(text).error().code(), ErrorCode::kInvalidInput) << text;
}

TEST(CapabilityTest, AgreesWithTheShellsView) {
  const std::string status = run_ok({"grep", "CapEff", "/proc/self/status"}, seconds(20)).value();
  const unsigned long long effective =
      std::stoull(status.substr(status.find(':') + 1), nullptr, 16);
  EXPECT_EQ(has_cap_sys_resource(), ((effective >> 24) & 1) == 1);
}

}  // namespace
}  // namespace reprise::sys
