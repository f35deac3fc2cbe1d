// SPDX-License-Identifier: Apache-2.0
#include "preflight/landlock.h"

#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>

namespace reprise::preflight {
namespace {

constexpr const char* kPlain = "NoNewPrivs:\t0\nCapBnd:\t00000000a80425fb\n";

TEST(LandlockTest, OnlyWhoGaveUpPrivilegesOrHadAllCanBeInASandbox) {
  EXPECT_FALSE(may_be_landlocked(kPlain, kPlain));
  EXPECT_TRUE(may_be_landlocked("NoNewPrivs:\t1\nCapBnd:\t0000000000000000\n", kPlain));
  EXPECT_TRUE(may_be_landlocked("NoNewPrivs:\t0\nCapBnd:\t000001ffffffffff\n", kPlain));
  EXPECT_TRUE(may_be_landlocked(kPlain, "NoNewPrivs:\t0\nCapBnd:\t000001ffffffffff\n"));
  EXPECT_TRUE(may_be_landlocked("Name:\tx\n", kPlain)) << "unknown is not no";
}

// A child that makes `prepare`, says so, and waits in poll(2) until it is told to end.
class Child {
 public:
  explicit Child(const std::function<void()>& prepare) {
    EXPECT_EQ(::pipe(ready_.data()), 0);
    EXPECT_EQ(::pipe(end_.data()), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(end_[1]);
      prepare();
      if (::write(ready_[1], "x", 1) != 1) ::_exit(2);
      pollfd waiting{.fd = end_[0], .events = POLLIN, .revents = 0};
      ::_exit(::poll(&waiting, 1, -1) == 1 ? 0 : 3);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  // Its exit status: 0 if nothing has disturbed it.
  int end() {
    ::close(end_[1]);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  std::array<int, 2> ready_{};
  std::array<int, 2> end_{};
  pid_t pid_ = 0;
};

void give_up_privileges() { ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

// Not a word about files: only the kind of thing that is not looked at.
void enter_sandbox() {
  give_up_privileges();
  landlock_ruleset_attr attr{};
  attr.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_FIFO;
  const auto rules =
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
  if (::syscall(SYS_landlock_restrict_self, rules, 0) != 0) ::_exit(4);
}

bool can_be_tried() {
  return ::geteuid() == 0 &&
         ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

std::vector<Confined> found_in(const Child& child) {
  return find_landlocked("/proc", child.pid(), {child.pid()});
}

TEST(LandlockTest, IsSeenFromOutside) {
  if (!can_be_tried()) GTEST_SKIP() << "needs root and a kernel with Landlock";
  Child child(enter_sandbox);
  const auto found = found_in(child);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].process, child.pid());
  EXPECT_EQ(found[0].doubt, "");
  EXPECT_EQ(child.end(), 0) << "the wait was not disturbed";
}

TEST(LandlockTest, OtherConfinementIsNotTakenForIt) {
  if (!can_be_tried()) GTEST_SKIP() << "needs root and a kernel with Landlock";
  constexpr uid_t kNobody = 65534;
  for (const bool as_root : {true, false}) {
    Child child([&] {
      if (!as_root && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(5);
      give_up_privileges();
    });
    for (const Confined& one : found_in(child)) ADD_FAILURE() << as_root << ": " << one.doubt;
    EXPECT_EQ(child.end(), 0) << "the wait was not disturbed";
  }
}

}  // namespace
}  // namespace reprise::preflight
