// SPDX-License-Identifier: Apache-2.0
//
// What CRIU 4.2.1 sends (its uffd.c), and what it would never send.
#include "pager/lazy_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "sys/test_directory.h"
#include "sys/unix_socket.h"

namespace reprise::pager {
namespace {

using Kind = LazyMessage::Kind;

class LazySocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = sys::listen_on(directory_ / "lazy-pages.socket", SOCK_STREAM).value();
    criu_ = sys::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_TRUE(sys::connect_to(criu_, directory_ / "lazy-pages.socket"));
    auto accepted = LazyConnection::accept(listener_.get(), -1);
    ASSERT_TRUE(accepted);
    connection_ = std::move(*accepted);
  }
  void send(std::uint32_t word) const {
    ASSERT_EQ(::send(criu_.get(), &word, sizeof word, 0), static_cast<ssize_t>(sizeof word));
  }
  void send_descriptor(int fd) const {
    char byte = 0;
    iovec data{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    ASSERT_EQ(::sendmsg(criu_.get(), &message, 0), 1);
  }

  sys::TestDirectory directory_;
  sys::UniqueFd listener_;
  sys::UniqueFd criu_;
  std::optional<LazyConnection> connection_;
};

TEST_F(LazySocketTest, ProcessesComeWithTheirDescriptors) {
  send(1);
  send_descriptor(criu_.get());
  send(static_cast<std::uint32_t>(-7));
  send(0x52535446);
  criu_.reset();
  auto process = connection_->next();
  ASSERT_TRUE(process) << process.error().message();
  EXPECT_EQ(process->kind, Kind::kProcess);
  EXPECT_EQ(process->pid, 1U);
  EXPECT_TRUE(::fcntl(process->fd.get(), F_GETFD) & FD_CLOEXEC);
  process->fd.reset();  // or it would be CRIU's end
  EXPECT_EQ(connection_->next()->kind, Kind::kZombie);
  EXPECT_EQ(connection_->next()->kind, Kind::kFinished);
  EXPECT_EQ(connection_->next()->kind, Kind::kEnd);
}

TEST_F(LazySocketTest, AProcessWithoutADescriptorIsAnError) {
  send(1);
  send(2);
  EXPECT_EQ(connection_->next().error().code(), base::ErrorCode::kInvalidInput);
}

TEST_F(LazySocketTest, HalfAWordIsAnError) {
  ASSERT_EQ(::send(criu_.get(), "ab", 2, 0), 2);
  criu_.reset();
  EXPECT_EQ(connection_->next().error().code(), base::ErrorCode::kInvalidInput);
}

TEST_F(LazySocketTest, WhoeverIsNotWaitedForAnyMoreIsNotAccepted) {
  int stop[2] = {-1, -1};
  ASSERT_EQ(::pipe2(stop, O_CLOEXEC), 0);
  const sys::UniqueFd read(stop[0]);
  ::close(stop[1]);
  const auto accepted = LazyConnection::accept(listener_.get(), read.get());
  ASSERT_TRUE(accepted);
  EXPECT_FALSE(accepted->has_value());
}

}  // namespace
}  // namespace reprise::pager
