// SPDX-License-Identifier: Apache-2.0
#include "image/criu_flight.h"

#include <gtest/gtest.h>

#include <vector>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {
namespace {

constexpr std::string_view kFilesHead{"\x19\x43\x56\x54\x38\x31\x30\x56", 8};
constexpr std::string_view kDescriptorsHead{"\x19\x43\x56\x54\x32\x37\x21\x56", 8};
constexpr std::string_view kQueuesHead{"\x19\x43\x56\x54\x26\x40\x26\x56", 8};
constexpr std::uint32_t kStream = 1;
constexpr std::uint32_t kDatagrams = 2;
constexpr std::uint32_t kEstablished = 1;
constexpr std::uint32_t kClosed = 7;

struct Socket {
  std::uint32_t id = 0;
  std::uint32_t peer = 0;  // its id; inode numbers are 100 more
  std::uint32_t type = kStream;
  std::uint32_t state = kEstablished;
};
struct Sent {
  std::uint32_t receiver = 0;
  std::vector<std::uint32_t> files;
  std::string text;
};

std::string files_of(const std::vector<Socket>& sockets) {
  std::string file(kFilesHead);
  for (const Socket& socket : sockets) {
    CriuMessageWriter unix_socket;
    unix_socket.add(1, socket.id).add(2, socket.id + 100).add(3, socket.type);
    unix_socket.add(4, socket.state).add(8, socket.peer == 0 ? 0 : socket.peer + 100);
    append_message(file, CriuMessageWriter().add(16, unix_socket.bytes()).bytes());
  }
  return file;
}

std::vector<std::string> held(const std::vector<std::uint32_t>& ids) {
  std::string file(kDescriptorsHead);
  for (const std::uint32_t id : ids)
    append_message(file, CriuMessageWriter().add(1, std::uint64_t{id}).bytes());
  return {std::move(file)};
}

std::string queues_of(const std::vector<Sent>& messages) {
  std::string file(kQueuesHead);
  for (const Sent& message : messages) {
    CriuMessageWriter packet;
    packet.add(1, message.receiver).add(2, message.text.size());
    CriuMessageWriter rights;
    for (const std::uint32_t id : message.files) rights.add(2, std::uint64_t{id});
    if (!message.files.empty()) packet.add(4, rights.bytes());
    append_message(file, packet.bytes());
    file += message.text;
  }
  return file;
}

// Pairs 1-2, 3-4, 5-6; a process holds 1 and 2.
const std::vector<Socket> kPairs = {{1, 2}, {2, 1}, {3, 4}, {4, 3}, {5, 6}, {6, 5}};

TEST(CriuFlightTest, WhatCanBeRestoredStaysAsItIs) {
  const std::string queues = queues_of({{2, {3}, "a"}, {2, {}, "b"}, {4, {5, 6}, "c"}});
  const auto ordered = order_messages(files_of(kPairs), held({1, 2}), queues);
  ASSERT_TRUE(ordered) << ordered.error().message();
  EXPECT_EQ(*ordered, queues);
}

// Both ends of a connection were on their way, one of them with something unread in it: the
// checkpoint was sealed, and no start could restore it.
TEST(CriuFlightTest, TheMessageWithTheSenderComesFirst) {
  const auto ordered =
      order_messages(files_of(kPairs), held({1, 2}),
                     queues_of({{4, {5}, "x"}, {4, {6}, "y"}, {2, {4}, "a"}, {2, {3}, "b"}}));
  ASSERT_TRUE(ordered) << ordered.error().message();
  EXPECT_EQ(*ordered, queues_of({{2, {4}, "a"}, {2, {3}, "b"}, {4, {5}, "x"}, {4, {6}, "y"}}));
}

TEST(CriuFlightTest, MessagesOfOneSocketKeepTheirOrder) {
  const auto ordered = order_messages(
      files_of(kPairs), held({1, 2}),
      queues_of({{4, {5}, "first"}, {4, {}, "second"}, {2, {3}, "a"}, {2, {4}, "b"}}));
  ASSERT_TRUE(ordered) << ordered.error().message();
  EXPECT_EQ(*ordered,
            queues_of({{2, {3}, "a"}, {2, {4}, "b"}, {4, {5}, "first"}, {4, {}, "second"}}));
}

TEST(CriuFlightTest, SocketsInEachOthersQueuesAreRefused) {
  // 3 and 4 are nowhere but in the queue of 4.
  const auto ordered =
      order_messages(files_of(kPairs), held({1, 2}), queues_of({{4, {3, 4}, "x"}}));
  ASSERT_FALSE(ordered);
  EXPECT_EQ(ordered.error().code(), base::ErrorCode::kUnsupported);
}

TEST(CriuFlightTest, SocketsWithoutAnotherEndAreRefusedUnlessAProcessHasThem) {
  for (const Socket& lone : {Socket{7, 0, kDatagrams, kClosed}, Socket{7, 0}, Socket{7, 9}}) {
    std::vector<Socket> sockets = kPairs;
    sockets.push_back(lone);
    const std::string queues = queues_of({{2, {7}, "a"}});
    const auto refused = order_messages(files_of(sockets), held({1, 2}), queues);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), base::ErrorCode::kUnsupported);
    const auto taken = order_messages(files_of(sockets), held({1, 2, 7}), queues);
    ASSERT_TRUE(taken) << taken.error().message();
    EXPECT_EQ(*taken, queues);
  }
}

TEST(CriuFlightTest, AListenerNeedsNoOtherEnd) {
  constexpr std::uint32_t kListening = 10;
  std::vector<Socket> sockets = kPairs;
  sockets.push_back({7, 0, kStream, kListening});
  EXPECT_TRUE(order_messages(files_of(sockets), held({1, 2}), queues_of({{2, {7}, "a"}})));
}

TEST(CriuFlightTest, DamagedFilesAreTold) {
  const std::string files = files_of(kPairs);
  const std::string queues = queues_of({{2, {3}, "a"}});
  for (const std::string& broken :
       {std::string(), queues.substr(0, queues.size() - 1), queues.substr(1), queues + "x"}) {
    const auto answer = order_messages(files, held({1, 2}), broken);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), base::ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(order_messages(files.substr(1), held({1}), queues));
  EXPECT_FALSE(order_messages(files, std::vector<std::string>{"x"}, queues));
}

}  // namespace
}  // namespace reprise::image
