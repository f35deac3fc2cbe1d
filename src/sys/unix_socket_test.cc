// SPDX-License-Identifier: Apache-2.0
#include "sys/unix_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

// Longer than an address has room for, in each of its parts, too.
path deep(const TestDirectory& directory) {
  const path below = directory / std::string(200, 'd') / std::string(200, 'e');
  std::filesystem::create_directories(below);
  return below;
}

TEST(UnixSocketTest, PathsOfAnyLengthAreReached) {
  const TestDirectory directory;
  const std::string prefix = directory.path().string() + "/";
  for (const path& file : {directory / "s", path(prefix + std::string(107 - prefix.size(), 'x')),
                           path(prefix + std::string(80, 'x')), deep(directory) / "s",
                           deep(directory) / std::string(80, 'x')}) {
    const auto listener = listen_on(file, SOCK_STREAM);
    ASSERT_TRUE(listener) << listener.error().message();
    struct stat info{};
    ASSERT_EQ(::stat(file.c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    const UniqueFd socket = new_socket();
    const auto connected = connect_to(socket, file);
    ASSERT_TRUE(connected) << connected.error().message();
    const auto accepted = accept_own(listener->get(), -1);
    ASSERT_TRUE(accepted && accepted->has_value());
    EXPECT_EQ((*accepted)->peer, ::getpid());
    EXPECT_TRUE(::fcntl((*accepted)->fd.get(), F_GETFD) & FD_CLOEXEC);
  }
}

TEST(UnixSocketTest, NamesWithoutRoomAreRefused) {
  const TestDirectory directory;
  const path file = deep(directory) / std::string(81, 'x');
  EXPECT_EQ(listen_on(file, SOCK_STREAM).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(connect_to(new_socket(), file).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(connect_to(new_socket(), std::string(5000, '/') + "s").error().code(),
            ErrorCode::kInvalidInput);
}

TEST(UnixSocketTest, NobodyThereIsNotFoundOrGone) {
  const TestDirectory directory;
  const path file = deep(directory) / "s";
  EXPECT_EQ(connect_to(new_socket(), file).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(connect_to(new_socket(), deep(directory) / "none/s").error().code(),
            ErrorCode::kNotFound);
  ASSERT_TRUE(listen_on(file, SOCK_STREAM));
  EXPECT_EQ(connect_to(new_socket(), file).error().code(), ErrorCode::kGone);
  EXPECT_TRUE(listen_on(file, SOCK_STREAM)) << "in place of whoever did";
}

TEST(UnixSocketTest, ALongPathLeavesNoDescriptor) {
  const TestDirectory directory;
  const path file = deep(directory) / "s";
  const int before = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
  ASSERT_TRUE(listen_on(file, SOCK_STREAM));
  EXPECT_FALSE(connect_to(new_socket(), file));
  EXPECT_EQ(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get(), before);
}

TEST(UnixSocketTest, WhoeverIsToStopAcceptsNobody) {
  const TestDirectory directory;
  const UniqueFd listener = listen_on(directory / "s", SOCK_STREAM).value();
  const UniqueFd stop(::eventfd(1, EFD_CLOEXEC));
  const auto accepted = accept_own(listener.get(), stop.get());
  ASSERT_TRUE(accepted);
  EXPECT_FALSE(accepted->has_value());
}

TEST(UnixSocketTest, OthersAreNotAccepted) {
  if (::geteuid() != 0) GTEST_SKIP() << "another user can be had by root only";
  const TestDirectory directory;
  const path file = directory / "s";
  const UniqueFd listener = listen_on(file, SOCK_STREAM).value();
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(file.c_str(), 0666), 0);
  const UniqueFd other = new_socket();
  ASSERT_EQ(::seteuid(65534), 0);
  const auto connected = connect_to(other, file);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(connected) << connected.error().message();
  const UniqueFd own = new_socket();
  ASSERT_TRUE(connect_to(own, file));
  const auto accepted = accept_own(listener.get(), -1);
  ASSERT_TRUE(accepted && accepted->has_value());
  char byte = 0;
  EXPECT_EQ(::recv(other.get(), &byte, 1, 0), 0) << "it is closed";
  EXPECT_EQ(::recv(own.get(), &byte, 1, MSG_DONTWAIT), -1);
}

TEST(UnixSocketTest, AllIsReceivedInWhateverPiecesItComes) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  const UniqueFd ours(fds[0]);
  UniqueFd theirs(fds[1]);
  const std::string sent = "abcdefgh";
  std::thread sender([&] {
    for (const char letter : sent) EXPECT_EQ(::send(theirs.get(), &letter, 1, MSG_NOSIGNAL), 1);
    theirs.reset();
  });
  std::array<std::byte, 6> out{};
  EXPECT_EQ(receive_all(ours.get(), out), out.size());
  EXPECT_EQ(receive_all(ours.get(), out), sent.size() - out.size());
  EXPECT_EQ(receive_all(ours.get(), out), 0U);
  sender.join();
}

}  // namespace
}  // namespace reprise::sys
