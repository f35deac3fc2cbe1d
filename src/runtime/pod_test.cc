// SPDX-License-Identifier: Apache-2.0
//
// A pod goes on whole, or begins anew whole, by what a real store says of its containers.
#include "runtime/pod.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "host/agent_link.h"
#include "host/agent_presence.h"
#include "oci/cri.h"
#include "store/open_catalog.h"
#include "sys/message_socket.h"
#include "sys/test_directory.h"

namespace reprise::runtime {
namespace {

using base::ErrorCode;
using catalog::SessionStatus;

class PodWhole : public testing::Test {
 protected:
  PodWhole() {
    call_.layout = {.store = scratch_ / "store", .run = scratch_ / "run", .runc = "/bin/false"};
    call_.store = store::StoreConfig::at(call_.layout.store);
    creation_.pod = oci::PodContainer{
        .name_space = "shop", .pod = "web-0", .uid = "0b3e0000-1", .container = "side"};
  }

  void restored(const std::string& name, SessionStatus status = SessionStatus::kOk,
                const std::string& uid = "0b3e0000-1") {
    auto catalog = store::open_catalog(call_.store).value();
    catalog::SessionRow row{
        .id = base::SessionId::parse("sess0000000" + std::to_string(++count_)).value(),
        .key = base::ContainerKey::parse("k8s.io/@pod:" + uid + ":" + name).value(),
        .kind = catalog::SessionKind::kRestore,
        .begin = 1};
    ASSERT_TRUE(catalog.begin_session(row));
    if (status == SessionStatus::kRunning) return;
    row.end = 2;
    row.status = status;
    ASSERT_TRUE(catalog.finish_session(row));
  }
  void lived(catalog::LifeEvent event) {
    auto catalog = store::open_catalog(call_.store).value();
    ASSERT_TRUE(catalog.add_life_event({.key = base::ContainerKey("k8s.io/@pod:0b3e0000-1:side"),
                                        .time = 1,
                                        .event = event,
                                        .detail = ""}));
  }
  // With the catalog that the caller has, and with its own.
  void expect(bool may, const char* what) {
    EXPECT_EQ(check_pod_whole(call_, nullptr, creation_).has_value(), may) << what;
    auto catalog = store::open_catalog(call_.store).value();
    EXPECT_EQ(check_pod_whole(call_, &catalog, creation_).has_value(), may) << what;
  }

  sys::TestDirectory scratch_;
  int count_ = 0;
  Call call_;
  Creation creation_;
};

TEST_F(PodWhole, BesideOneThatWentOnNothingBeginsAnew) {
  expect(true, "nothing went on");
  restored("main", SessionStatus::kOk, "0b3e0000-2");
  expect(true, "another pod's");
  restored("main", SessionStatus::kFailed);
  expect(true, "it did not go on");
  lived(catalog::LifeEvent::kRestoreFailed);
  restored("main");
  expect(false, "it went on");
  const auto whole = check_pod_whole(call_, nullptr, creation_);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(whole.error().message().find("container 'main' of the pod went on"), std::string::npos);
  EXPECT_NE(whole.error().hint().find("delete the pod"), std::string::npos);
}

TEST_F(PodWhole, NorBesideOneThatIsAboutToGoOn) {
  restored("main", SessionStatus::kRunning);
  expect(false, "it may go on");
}

TEST_F(PodWhole, WhatIsStartedAgainMay) {
  restored("main");
  restored("side");
  expect(true, "it went on, and ended");
}

TEST_F(PodWhole, AlsoWhatBegan) {
  restored("main");
  lived(catalog::LifeEvent::kStarted);
  expect(true, "it ran");
}

TEST_F(PodWhole, WhoeverTheAgentLetsMay) {
  restored("main");
  creation_.may_begin_beside = true;
  expect(true, "an init container");
}

TEST_F(PodWhole, ACatalogThatCannotBeReadIsNoAnswer) {
  restored("main");
  std::ofstream(call_.layout.store / "catalog.db", std::ios::trunc) << "no database";
  EXPECT_TRUE(check_pod_whole(call_, nullptr, creation_)) << "a node without an agent";
  ASSERT_TRUE(host::expect_agent(call_.layout.store, host::kAgentAwayPatience));
  EXPECT_FALSE(check_pod_whole(call_, nullptr, creation_));
  creation_.pod.reset();
  EXPECT_TRUE(check_pod_whole(call_, nullptr, creation_)) << "no pod's";
}

// Whoever has no answer does not know that it may.
TEST_F(PodWhole, WithoutAnAgentNobodyIsLet) {
  creation_.annotations["reprise.dev/on-restore-failure"] = "cold";
  ASSERT_TRUE(await_agent(call_, creation_));
  restored("main");
  expect(false, "it went on");
}

// An agent that answers one question.
class Agent {
 public:
  Agent(const host::Layout& layout, host::AgentAnswer answer)
      : listener_(sys::MessageListener::listen(host::agent_socket_of(layout)).value()),
        thread_([this, answer = std::move(answer)] {
          auto socket = listener_.accept().value();
          EXPECT_TRUE(socket.receive(std::chrono::seconds(60)));
          EXPECT_TRUE(socket.send(host::encode(answer)));
        }) {}
  ~Agent() { thread_.join(); }
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

 private:
  sys::MessageListener listener_;
  std::thread thread_;
};

class PodPolicies : public PodWhole {
 protected:
  PodPolicies() {
    std::filesystem::create_directories(call_.layout.store);
    std::filesystem::create_directories(call_.layout.run);
    std::ofstream(host::policy_flag_of(call_.layout));
    creation_.pod->kind = oci::PodContainer::Kind::kSandbox;
    creation_.pod->container.clear();
  }
};

// It began anew, though a policy may have selected it, and a state may have waited for it.
TEST_F(PodPolicies, WhileTheyAreNotKnownNoPodIsMade) {
  const Agent agent(call_.layout, host::TryLater{.reason = "the API server is away"});
  const auto heeded = heed_policies(call_, creation_);
  ASSERT_FALSE(heeded);
  EXPECT_NE(heeded.error().message().find("the API server is away"), std::string::npos);
}

TEST_F(PodPolicies, UnlessItSaysItselfWhatItWants) {
  creation_.wishes.checkpoint_on_disruption = true;
  const Agent agent(call_.layout, host::TryLater{.reason = "the API server is away"});
  EXPECT_FALSE(heed_policies(call_, creation_).value_or(true));
}

TEST_F(PodPolicies, AnAgentThatIsAwayIsWaitedFor) {
  ASSERT_TRUE(host::expect_agent(call_.layout.store, std::chrono::seconds(1)));
  EXPECT_FALSE(heed_policies(call_, creation_).value_or(true)) << "for that second";
  EXPECT_FALSE(host::is_agent_expected(call_.layout.store)) << "nobody waited";
}

TEST_F(PodPolicies, NotOneThatTheNodeDoesNotHave) {
  EXPECT_FALSE(heed_policies(call_, creation_).value_or(true));
}

}  // namespace
}  // namespace reprise::runtime
