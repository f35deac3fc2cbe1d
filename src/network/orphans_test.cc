// SPDX-License-Identifier: Apache-2.0
#include "network/orphans.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "network/neighbours.h"
#include "sys/unique_fd.h"

namespace reprise::network {
namespace {

TEST(OrphansTest, AreEndsOfOursThatNoProcessHas) {
  const Connection ours{"127.0.0.1", 7100, "127.0.0.1", 40312, 0};
  Connection owned = ours;
  owned.inode = 7;
  const Connection others{"127.0.0.1", 7100, "127.0.0.1", 40313, 0};
  EXPECT_EQ(orphans_among({ours, others, reversed(ours)}, {owned}),
            (std::vector<Connection>{ours}));
  EXPECT_TRUE(orphans_among({owned, others}, {ours}).empty()) << "somebody has it";
}

// A connection over lo whose other end belongs to a child.
class SilenceTest : public testing::Test {
 protected:
  void SetUp() override {
    const sys::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* const address = reinterpret_cast<sockaddr*>(&name);
    ASSERT_EQ(::bind(listener.get(), address, size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
    ours_ = sys::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(ours_.get(), address, size), 0);
    sys::UniqueFd theirs(::accept4(listener.get(), nullptr, nullptr, 0));
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ours_.get());
      ::pause();
      ::_exit(0);
    }
  }
  void TearDown() override { end(); }
  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  // What its end says: 0 the connection was closed, below 0 nothing was said.
  ssize_t hear() {
    char byte = 0;
    return ::recv(ours_.get(), &byte, 1, MSG_DONTWAIT);
  }
  sys::UniqueFd ours_;
  pid_t child_ = 0;
};

TEST_F(SilenceTest, ASilencedProcessEndsWithoutAWord) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_NET_ADMIN: run it as root";
  const auto silenced = silence_sockets("/proc", child_);
  ASSERT_TRUE(silenced) << silenced.error().details();
  end();
  EXPECT_EQ(hear(), -1);
}

TEST_F(SilenceTest, OthersAreHeard) {
  end();
  EXPECT_EQ(hear(), 0) << "the kernel says so at once, over lo";
}

TEST_F(SilenceTest, WhoHasEndedHasNothingToSay) {
  const pid_t ended = child_;
  end();
  EXPECT_TRUE(silence_sockets("/proc", ended));
}

}  // namespace
}  // namespace reprise::network
