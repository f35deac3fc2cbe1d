// SPDX-License-Identifier: Apache-2.0
#include "host/agent_link.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "sys/message_socket.h"
#include "sys/test_directory.h"

namespace reprise::host {
namespace {

using base::ErrorCode;

const oci::PodContainer kPod{
    .name_space = "shop", .pod = "web-0", .uid = "0b3e", .container = "app"};

struct AgentLinkTest : testing::Test {
  sys::TestDirectory directory;
  Layout layout{.store = {}, .run = directory.path(), .runc = {}};
  WillCreate create{
      .container = base::ContainerId("c"), .key = base::ContainerKey("@k"), .pod = kPod};
  WillEnd end{.container = base::ContainerId("c"),
              .key = base::ContainerKey("@k"),
              .pod = kPod,
              .signal = 15};

  // How the agent's answer is heard, however long its thread waits for the processor.
  auto ask(const WillEnd& question) const {
    return ask_agent(layout, question, std::chrono::seconds{60});
  }
  auto ask(
      const WillCreate& question,
      const std::function<void(const std::string&)>& waiting = [](const auto&) {}) const {
    return ask_agent(layout, question, waiting, std::chrono::seconds{60});
  }

  // Answers one question with `texts`, one after the other, and goes away.
  std::jthread agent(std::vector<std::string> texts) {
    auto listener = sys::MessageListener::listen(agent_socket_of(layout)).value();
    return std::jthread([listener = std::move(listener), texts = std::move(texts)]() mutable {
      auto socket = listener.accept().value();
      EXPECT_TRUE(socket.receive().value().has_value());
      for (const std::string& text : texts) EXPECT_TRUE(socket.send(text));
    });
  }
};

TEST_F(AgentLinkTest, WithoutAnAgentThereIsAnErrorAtOnce) {
  EXPECT_EQ(ask_agent(layout, end).error().code(), ErrorCode::kNotFound);
}

TEST_F(AgentLinkTest, AnEndingIsJudged) {
  const auto thread =
      agent({encode(AgentAnswer(Ending{.checkpoint = true, .reason = "disrupted"}))});
  const auto answer = ask(end);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(answer->checkpoint);
  EXPECT_EQ(answer->reason, "disrupted");
}

TEST_F(AgentLinkTest, ACreationWaitsAndGoesOn) {
  const auto thread = agent({encode(AgentAnswer(Wait{.reason = "saved on n1"})),
                             encode(AgentAnswer(Wait{.reason = "fetched"})),
                             encode(AgentAnswer(GoOn{.checkpoint = base::CheckpointId("k1")}))});
  std::vector<std::string> told;
  const auto answer = ask(create, [&](const std::string& reason) { told.push_back(reason); });
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->checkpoint, base::CheckpointId("k1"));
  EXPECT_EQ(told, (std::vector<std::string>{"saved on n1", "fetched"}));
}

TEST_F(AgentLinkTest, AnAgentThatGoesAwayIsGone) {
  const auto thread = agent({encode(AgentAnswer(Wait{.reason = "saved on n1"}))});
  const auto answer = ask(create);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kGone);
}

TEST_F(AgentLinkTest, WhatIsOnItsWayIsNotBegunAnew) {
  const auto thread = agent({encode(AgentAnswer(Wait{.reason = "r", .is_claimed = true})),
                             encode(AgentAnswer(TryLater{.reason = "it is being fetched"}))});
  const auto answer = ask(create);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kDenied);
  EXPECT_EQ(answer.error().message(), "it is being fetched");
}

TEST_F(AgentLinkTest, WhatIsClaimedIsNotBegunAnewWhenTheAgentGoesAway) {
  const auto thread =
      agent({encode(AgentAnswer(Wait{.reason = "it is fetched", .is_claimed = true}))});
  const auto answer = ask(create);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kDenied);
}

// It is stopped, or has lost its thread: the kernel takes the question, and nobody answers.
TEST_F(AgentLinkTest, AnAgentThatStandsStillIsNotWaitedFor) {
  const auto listener = sys::MessageListener::listen(agent_socket_of(layout)).value();
  constexpr std::chrono::milliseconds kShort{50};
  EXPECT_EQ(ask_agent(layout, end, kShort).error().code(), ErrorCode::kBusy);
  EXPECT_EQ(ask_agent(
                layout, create, [](const std::string&) {}, kShort)
                .error()
                .code(),
            ErrorCode::kBusy);
}

TEST_F(AgentLinkTest, AnAnswerToAnotherQuestionIsNone) {
  const auto thread = agent({encode(AgentAnswer(GoOn{}))});
  EXPECT_EQ(ask(end).error().code(), ErrorCode::kInternal);
}

}  // namespace
}  // namespace reprise::host
