// SPDX-License-Identifier: Apache-2.0
//
// During an upgrade of a node the wrapper talks to an agent of another version. tests/golden/agent
// holds the messages of this version, and future-* of one to come.
#include <gtest/gtest.h>

#include "host/agent_message.h"
#include "json/test_golden.h"

namespace reprise::host {
namespace {

const oci::PodContainer kPod{
    .name_space = "shop", .pod = "web-0", .uid = "0b3e", .container = "app"};

WillCreate will_create() {
  return {.container = base::ContainerId("c0ffee"),
          .key = base::ContainerKey("k8s.io/@pod:0b3e:app"),
          .pod = kPod};
}
WillEnd will_end() {
  return {.container = base::ContainerId("c0ffee"),
          .key = base::ContainerKey("k8s.io/@pod:0b3e:app"),
          .pod = kPod,
          .signal = 15};
}
Created created() {
  return {.container = base::ContainerId("c0ffee"),
          .key = base::ContainerKey("k8s.io/@pod:0b3e:app"),
          .pod = kPod,
          .resumed = base::CheckpointId("ckpt00000001"),
          .failed = "no room"};
}

TEST(AgentMessages, QuestionsAreWrittenAsBefore) {
  golden::expect_current("agent/will-create.json", encode(AgentQuestion(will_create())));
  golden::expect_current("agent/will-end.json", encode(AgentQuestion(will_end())));
  golden::expect_current("agent/created.json", encode(AgentQuestion(created())));
  golden::expect_current(
      "agent/what-is-wished.json",
      encode(AgentQuestion(
          WhatIsWished{.container = created().container, .key = created().key, .pod = kPod})));
}

TEST(AgentMessages, AnswersAreWrittenAsBefore) {
  golden::expect_current("agent/wait.json", encode(AgentAnswer(Wait{.reason = "it is saved"})));
  golden::expect_current("agent/go-on.json",
                         encode(AgentAnswer(GoOn{.checkpoint = base::CheckpointId("ckpt00000001"),
                                                 .reason = "of web-0"})));
  golden::expect_current("agent/wait-claimed.json",
                         encode(AgentAnswer(Wait{.reason = "it is fetched", .is_claimed = true})));
  golden::expect_current("agent/try-later.json",
                         encode(AgentAnswer(TryLater{.reason = "it is being fetched"})));
  golden::expect_current("agent/ending.json",
                         encode(AgentAnswer(Ending{.checkpoint = true, .reason = "disrupted"})));
}

TEST(AgentMessages, WhatPoliciesWish) {
  golden::expect_current(
      "agent/policy-wish.json",
      encode(AgentAnswer(PolicyWish{.on_disruption = true, .freeze_limit = 30})));
  const auto wish = decode_agent_answer(golden::read("agent/policy-wish.json"));
  ASSERT_TRUE(wish) << wish.error().message();
  EXPECT_TRUE(std::get<PolicyWish>(*wish).on_disruption);
  EXPECT_FALSE(std::get<PolicyWish>(*wish).on_delete);
  EXPECT_EQ(std::get<PolicyWish>(*wish).freeze_limit, 30);
  const auto asked = decode_agent_question(golden::read("agent/what-is-wished.json"));
  ASSERT_TRUE(asked) << asked.error().message();
  EXPECT_EQ(std::get<WhatIsWished>(*asked).pod.uid, "0b3e");
}

TEST(AgentMessages, QuestionsAreRead) {
  const auto create = decode_agent_question(golden::read("agent/will-create.json"));
  ASSERT_TRUE(create) << create.error().message();
  const auto& first = std::get<WillCreate>(*create);
  EXPECT_EQ(first.container, will_create().container);
  EXPECT_EQ(first.key, will_create().key);
  EXPECT_EQ(first.pod.name_space, "shop");
  EXPECT_EQ(first.pod.pod, "web-0");
  EXPECT_EQ(first.pod.uid, "0b3e");
  EXPECT_EQ(first.pod.container, "app");
  const auto end = decode_agent_question(golden::read("agent/will-end.json"));
  ASSERT_TRUE(end) << end.error().message();
  EXPECT_EQ(std::get<WillEnd>(*end).signal, 15);
  const auto made = decode_agent_question(golden::read("agent/created.json"));
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(std::get<Created>(*made).resumed, created().resumed);
  EXPECT_EQ(std::get<Created>(*made).failed, "no room");
}

TEST(AgentMessages, AnswersAreRead) {
  const auto wait = decode_agent_answer(golden::read("agent/wait.json"));
  ASSERT_TRUE(wait) << wait.error().message();
  EXPECT_EQ(std::get<Wait>(*wait).reason, "it is saved");
  EXPECT_FALSE(std::get<Wait>(*wait).is_claimed);
  EXPECT_TRUE(
      std::get<Wait>(*decode_agent_answer(golden::read("agent/wait-claimed.json"))).is_claimed);
  const auto later = decode_agent_answer(golden::read("agent/try-later.json"));
  ASSERT_TRUE(later) << later.error().message();
  EXPECT_EQ(std::get<TryLater>(*later).reason, "it is being fetched");
  const auto go_on = decode_agent_answer(golden::read("agent/go-on.json"));
  ASSERT_TRUE(go_on) << go_on.error().message();
  EXPECT_EQ(std::get<GoOn>(*go_on).checkpoint, created().resumed);
  const auto ending = decode_agent_answer(golden::read("agent/ending.json"));
  ASSERT_TRUE(ending) << ending.error().message();
  EXPECT_TRUE(std::get<Ending>(*ending).checkpoint);
}

TEST(AgentMessages, MoreFieldsDoNoHarm) {
  EXPECT_TRUE(decode_agent_question(golden::read("agent/future-will-end.json")));
  EXPECT_TRUE(decode_agent_answer(golden::read("agent/future-go-on.json")));
}

TEST(AgentMessages, WhatIsNoneIsAnError) {
  for (const char* text : {"", "x", "[]", R"({"ask":"other"})", R"({"ask":"will-end"})",
                           R"({"answer":"ending"})", R"({"answer":"go-on","checkpoint":"../x"})"}) {
    EXPECT_FALSE(decode_agent_question(text)) << text;
    EXPECT_FALSE(decode_agent_answer(text)) << text;
  }
}

}  // namespace
}  // namespace reprise::host
