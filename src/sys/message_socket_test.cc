// SPDX-License-Identifier: Apache-2.0
#include "sys/message_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <csignal>
#include <vector>

#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(MessageSocketTest, MessagesKeepTheirBordersAndOrder) {
  auto [left, right] = MessageSocket::pair().value();
  const std::string largest(65536, 'x');
  ASSERT_TRUE(left.send("one"));
  ASSERT_TRUE(left.send(largest));
  ASSERT_TRUE(left.send(std::string_view("a\0b", 3)));
  EXPECT_EQ(right.receive(seconds(20)).value(), "one");
  EXPECT_EQ(right.receive(seconds(20)).value(), largest);
  EXPECT_EQ(right.receive(seconds(20)).value(), std::string("a\0b", 3));
}

// An empty message cannot be told from the end of the connection.
TEST(MessageSocketTest, EmptyAndOversizedMessagesAreRefused) {
  auto [left, right] = MessageSocket::pair().value();
  EXPECT_EQ(left.send("").error().code(), ErrorCode::kInternal);
  EXPECT_EQ(left.send(std::string(65537, 'x')).error().code(), ErrorCode::kInternal);
  ASSERT_TRUE(left.send("still works"));
  EXPECT_EQ(right.receive(seconds(20)).value(), "still works");
}

// One that stands still must not make others do so.
TEST(MessageSocketTest, AListenerWithoutRoomIsWaitedForNoLongerThanAsked) {
  const TestDirectory directory;
  const auto listener = MessageListener::listen(directory / "s").value();
  std::vector<MessageSocket> waiting;
  base::Result<MessageSocket> last = MessageSocket::connect(directory / "s", milliseconds(50));
  constexpr std::size_t kMore = 10'000;  // than any listener has room for
  while (last && waiting.size() < kMore) {
    waiting.push_back(std::move(*last));
    last = MessageSocket::connect(directory / "s", milliseconds(50));
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code(), ErrorCode::kBusy);
}

// A message of a foreign sender that is larger than ours may be would otherwise arrive cut off.
TEST(MessageSocketTest, ATooLargeForeignMessageIsCorruptNotCut) {
  auto [left, right] = MessageSocket::pair().value();
  const std::string large(70000, 'x');
  ASSERT_EQ(::send(left.fd().get(), large.data(), large.size(), 0),
            static_cast<ssize_t>(large.size()));
  EXPECT_EQ(right.receive(seconds(20)).error().code(), ErrorCode::kCorrupt);
}

TEST(MessageSocketTest, TheOtherSidesEndIsNotAnError) {
  std::pair<MessageSocket, MessageSocket> ends = MessageSocket::pair().value();
  ASSERT_TRUE(ends.first.send("last words"));
  {
    const MessageSocket closed = std::move(ends.first);
  }
  EXPECT_EQ(ends.second.receive(seconds(20)).value(), "last words");
  EXPECT_EQ(ends.second.receive(seconds(20)).value(), std::nullopt);
  const Result<void> sent = ends.second.send("hello?");
  ASSERT_FALSE(sent) << "and no SIGPIPE";
  EXPECT_EQ(sent.error().code(), ErrorCode::kGone);
}

TEST(MessageSocketTest, ReceiveTimesOutAndCanBeCalledAgain) {
  auto [left, right] = MessageSocket::pair().value();
  EXPECT_EQ(right.receive(milliseconds(10)).error().code(), ErrorCode::kBusy);
  ASSERT_TRUE(left.send("late"));
  EXPECT_EQ(right.receive(milliseconds(0)).value(), "late");
}

// A signal during the wait used to turn the time limit into waiting for ever.
TEST(MessageSocketTest, TheTimeLimitHoldsThroughSignals) {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // without SA_RESTART
  struct sigaction old_action{};
  ::sigaction(SIGALRM, &action, &old_action);
  const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 5000},
                        .it_value = {.tv_sec = 0, .tv_usec = 5000}};
  auto [left, right] = MessageSocket::pair().value();
  ::setitimer(ITIMER_REAL, &often, nullptr);
  const auto begin = std::chrono::steady_clock::now();
  const Result<std::optional<std::string>> received = right.receive(milliseconds(100));
  const auto waited = std::chrono::steady_clock::now() - begin;
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &old_action, nullptr);
  EXPECT_EQ(received.error().code(), ErrorCode::kBusy);
  EXPECT_GE(waited, milliseconds(95));
}

TEST(MessageListenerTest, ConnectsBothWaysAndRemovesItsFile) {
  const TestDirectory directory;
  const path address = directory / "socket";
  {
    MessageListener listener = MessageListener::listen(address).value();
    struct stat info{};
    ASSERT_EQ(::stat(address.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    MessageSocket client = MessageSocket::connect(address).value();
    MessageSocket server = listener.accept().value();
    ASSERT_TRUE(client.send("ping"));
    EXPECT_EQ(server.receive(seconds(20)).value(), "ping");
    ASSERT_TRUE(server.send("pong"));
    EXPECT_EQ(client.receive(seconds(20)).value(), "pong");
    const MessageListener moved = std::move(listener);
    EXPECT_TRUE(std::filesystem::exists(address));
  }
  EXPECT_FALSE(std::filesystem::exists(address));
}

TEST(MessageListenerTest, NobodyThereIsNotFoundOrGone) {
  const TestDirectory directory;
  const path address = directory / "socket";
  EXPECT_EQ(MessageSocket::connect(address).error().code(), ErrorCode::kNotFound);
  MessageListener dead = MessageListener::listen(address).value();
  ::shutdown(dead.fd().get(), SHUT_RDWR);  // the file is left, as after a crash
  EXPECT_EQ(MessageSocket::connect(address).error().code(), ErrorCode::kGone);
}

TEST(MessageListenerTest, TakesOverTheFileOfADeadListener) {
  const TestDirectory directory;
  const path address = directory / "socket";
  MessageListener dead = MessageListener::listen(address).value();
  ::shutdown(dead.fd().get(), SHUT_RDWR);
  const MessageListener next = MessageListener::listen(address).value();
  EXPECT_TRUE(MessageSocket::connect(address));
}

}  // namespace
}  // namespace reprise::sys
