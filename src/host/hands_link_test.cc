// SPDX-License-Identifier: Apache-2.0
#include "host/hands_link.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "sys/message_socket.h"
#include "sys/test_directory.h"

namespace reprise::host {
namespace {

const SaveNow kSave{
    .container = base::ContainerId("c0ffee"),
    .pod = {.name_space = "shop", .pod = "web-0", .uid = "0b3e", .container = "app"}};

struct HandsLinkTest : testing::Test {
  sys::TestDirectory directory;
  Layout layout{.store = {}, .run = directory.path(), .runc = {}};

  std::jthread hands(std::vector<WorkerMessage> messages) {
    auto listener = sys::MessageListener::listen(hands_socket_of(layout)).value();
    return std::jthread([listener = std::move(listener), messages = std::move(messages)]() mutable {
      auto socket = listener.accept().value();
      const auto question = decode_save_now(socket.receive().value().value());
      ASSERT_TRUE(question);
      EXPECT_EQ(question->container, kSave.container);
      EXPECT_EQ(question->pod.uid, "0b3e");
      for (const WorkerMessage& one : messages) EXPECT_TRUE(socket.send(encode(one)));
    });
  }
};

TEST_F(HandsLinkTest, ASessionIsFollowed) {
  const auto thread = hands({Phase{.name = "dump"}, Phase{.name = "seal"},
                             Outcome{.status = Outcome::Status::kDone, .bytes = 7}});
  std::vector<std::string> told;
  const auto outcome =
      ask_hands(layout, kSave, [&](const std::string& phase) { told.push_back(phase); });
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->bytes, 7U);
  EXPECT_EQ(told, (std::vector<std::string>{"dump", "seal"}));
}

TEST_F(HandsLinkTest, HandsThatAreNotThereOrGoAway) {
  const auto nothing = [](const std::string&) {};
  EXPECT_EQ(ask_hands(layout, kSave, nothing).error().code(), base::ErrorCode::kNotFound);
  const auto thread = hands({Phase{.name = "dump"}});
  EXPECT_EQ(ask_hands(layout, kSave, nothing).error().code(), base::ErrorCode::kGone);
}

TEST_F(HandsLinkTest, WhatIsNoQuestion) {
  for (const char* text : {"", "[]", R"({"ask":"remove"})", R"({"ask":"save-now","id":"../x"})"})
    EXPECT_FALSE(decode_save_now(text)) << text;
}

}  // namespace
}  // namespace reprise::host
