// SPDX-License-Identifier: Apache-2.0
//
// An agent that the API server does not answer: it knows no pod, and no Checkpoint.
#include "daemon/answers.h"

#include <gtest/gtest.h>

#include "store/open_catalog.h"
#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

class AnswersTest : public testing::Test {
 protected:
  host::AgentAnswer go_on(std::chrono::seconds hold, const std::string& container = "app") {
    Holds holds(hold);
    Answers answers(*client_, view_, endings_, fetches_, events_, moving_, holds, store_, "n1");
    return answers.go_on({.container = base::ContainerId("c"),
                          .key = key_,
                          .pod = {.name_space = "shop",
                                  .pod = "web-0",
                                  .uid = "0b3e0000-1",
                                  .container = container}},
                         [](const host::Wait&) { return true; });
  }

  sys::TestDirectory directory_;
  store::StoreConfig store_ = store::StoreConfig::at(directory_ / "store");
  base::ContainerKey key_{"k8s.io/@pod:0b3e0000-1:app"};
  // Nobody answers there.
  std::unique_ptr<kube::Client> client_ =
      kube::Client::open({.server = "http://127.0.0.1:9"}, "test").value();
  ClusterView view_{*client_, "n1"};
  JudgedEndings endings_;
  Fetches fetches_{*client_, view_, store_, {}, "n1", 7434};
  PodEvents events_{*client_, "n1"};
  std::mutex moving_;
};

// It began anew, beside whatever waited for it.
TEST_F(AnswersTest, APodOfWhichNothingIsKnownIsHeld) {
  for (const char* container : {"app", ""}) {
    const auto answer = go_on(std::chrono::seconds(600), container);
    const auto* later = std::get_if<host::TryLater>(&answer);
    ASSERT_NE(later, nullptr) << container;
    EXPECT_NE(later->reason.find("API server"), std::string::npos) << later->reason;
  }
}

TEST_F(AnswersTest, ButNotForEver) {
  const auto answer = go_on(std::chrono::seconds(0));
  const auto* begins = std::get_if<host::GoOn>(&answer);
  ASSERT_NE(begins, nullptr);
  EXPECT_TRUE(begins->checkpoint.empty());
  EXPECT_NE(begins->reason.find("begins anew"), std::string::npos) << begins->reason;
}

// It was taken for one that no policy selects, and began anew.
TEST_F(AnswersTest, WhatPoliciesWantIsNotKnownEither) {
  const auto wish = [&](std::chrono::seconds hold, const std::string& container) {
    Holds holds(hold);
    Answers answers(*client_, view_, endings_, fetches_, events_, moving_, holds, store_, "n1");
    return answers.wish(
        {.container = base::ContainerId("c"),
         .key = key_,
         .pod = {
             .name_space = "shop", .pod = "web-0", .uid = "0b3e0000-1", .container = container}});
  };
  EXPECT_TRUE(std::holds_alternative<host::TryLater>(wish(std::chrono::seconds(600), "")));
  EXPECT_TRUE(std::holds_alternative<host::PolicyWish>(wish(std::chrono::seconds(0), "")));
  EXPECT_TRUE(std::holds_alternative<host::TryLater>(wish(std::chrono::seconds(0), "app")))
      << "which goes by what its sandbox was told";
}

// Checkpoints can be deleted: the node's history says then whether another one went on.
TEST(WhoIsBound, ContainersOfOnePodAre) {
  const PodFacts pod{.uid = "u1", .own = {"app", "side"}};
  CheckpointObject claimed{.expected = {"app"}, .claimed_by = Claimer{.uid = "u1"}};
  EXPECT_TRUE(Answers::is_bound(nullptr, {}, "app")) << "nothing is known";
  EXPECT_TRUE(Answers::is_bound(&pod, {}, "side"));
  EXPECT_TRUE(Answers::is_bound(&pod, {claimed}, "app"));
  EXPECT_FALSE(Answers::is_bound(&pod, {claimed}, "side")) << "it had ended";
  claimed.claimed_by->uid = "u2";
  EXPECT_TRUE(Answers::is_bound(&pod, {claimed}, "side"));
  EXPECT_FALSE(Answers::is_bound(&pod, {}, "setup")) << "an init container";
  const PodFacts single{.uid = "u1", .own = {"app"}};
  EXPECT_FALSE(Answers::is_bound(&single, {}, "app"));
}

TEST_F(AnswersTest, WhatHasRunInItsPodIsStartedAgain) {
  auto catalog = store::open_catalog(store_).value();
  ASSERT_TRUE(catalog.add_life_event(
      {.key = key_, .time = 1, .event = catalog::LifeEvent::kStarted, .detail = ""}));
  const auto answer = go_on(std::chrono::seconds(600));
  EXPECT_TRUE(std::holds_alternative<host::GoOn>(answer));
}

}  // namespace
}  // namespace reprise::daemon
