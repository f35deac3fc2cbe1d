// SPDX-License-Identifier: Apache-2.0
//
// One checkpoint, from request to outcome, with an engine and a runc that only say what they were
// asked for: what becomes of the container, whatever fails.
#include "session/checkpoint_session.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "host/continuation_note.h"
#include "session/internal/fake_engine.h"
#include "session/internal/test_container.h"

namespace reprise::session {
namespace {

using base::ErrorCode;

class CheckpointTest : public TestContainer {
 protected:
  CheckpointTest() {
    run();
    EXPECT_TRUE(journal().replace({undo::SignalPromised()}));
    EXPECT_TRUE(catalog().begin_session({.id = session_,
                                         .key = host::key_of(request_),
                                         .trigger = "stop",
                                         .begin = 1,
                                         .phases = "{}"}));
  }
  void set_end(bool end) { std::get<host::CheckpointRequest>(request_.what).end = end; }
  host::Outcome checkpoint() {
    Context context = this->context();
    context.engine = std::make_unique<FakeEngine>(criu_);
    context.proc = scratch_.path();  // this host's mounts are not the container's
    auto watch = std::move(*FreezeWatch::create());
    host::Outcome outcome = CheckpointSession(context, watch).run();
    store_ = std::move(context.store.checkpoints);
    EXPECT_EQ(watch.left().count(), 0) << "nothing stands still any more";
    return outcome;
  }
  // The promise.
  void expect_runs_on_unharmed() {
    EXPECT_FALSE(is_frozen());
    EXPECT_FALSE(host::read_note(bundle_).value()) << "there is nothing to go on from";
    EXPECT_FALSE(continuation());
    EXPECT_TRUE(store_->list().value().empty());
    EXPECT_TRUE(calls().ends_with("kill web 15\n")) << calls();
    EXPECT_TRUE(journal().load().value()->empty());
    EXPECT_EQ(catalog().find_session(session_.str())->status, catalog::SessionStatus::kFailed);
    EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "it lives";
  }
  FakeCriu criu_;
};

TEST_F(CheckpointTest, WhatIsToEndEndsAfterItIsSealed) {
  set_end(true);
  bool sealed = true;
  criu_.before = [&](const std::string& name) {
    if (name == "may_end") sealed = !store_of_others()->list().value().empty();
  };
  const auto outcome = checkpoint();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_FALSE(sealed) << "it is sealed within that step";
  EXPECT_EQ(criu_.calls, (std::vector<std::string>{"begin", "written", "may_end"}));
  EXPECT_EQ(outcome.freeze_ms, 5);
  ASSERT_TRUE(continuation());
  EXPECT_EQ(continuation()->checkpoint, outcome.checkpoint);
  EXPECT_EQ(host::read_note(bundle_).value()->session, session_);
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
  EXPECT_EQ(calls().find("kill"), std::string::npos) << "no signal: it is not to clean up";
}

TEST_F(CheckpointTest, WhatIsToRunOnRunsOnBeforeItIsSealed) {
  set_end(false);
  const auto outcome = checkpoint();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(criu_.calls, (std::vector<std::string>{"begin", "written"}));
  EXPECT_EQ(outcome.freeze_ms, 7) << "as the engine has measured it";
  EXPECT_FALSE(continuation());
  EXPECT_TRUE(store_->open(outcome.checkpoint));
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

TEST_F(CheckpointTest, AnEngineThatBreaksCostsNothing) {
  set_end(true);
  criu_.breaks = base::Error(ErrorCode::kUnsupported, "CRIU gave up");
  const auto outcome = checkpoint();
  EXPECT_EQ(outcome.reason, "CRIU gave up");
  expect_runs_on_unharmed();
}

TEST_F(CheckpointTest, WhatAPersonPausedIsLeftAlone) {
  freeze();
  const auto outcome = checkpoint();
  EXPECT_EQ(outcome.code, ErrorCode::kBusy);
  EXPECT_TRUE(is_frozen());
  EXPECT_TRUE(criu_.calls.empty());
}

// As it is, it must not become a checkpoint that is gone on from.
TEST_F(CheckpointTest, WhatIsSealedAndNotVisibleIsNoCheckpoint) {
  set_end(true);
  change_catalog(
      "CREATE TRIGGER broken BEFORE INSERT ON checkpoints BEGIN INSERT INTO none VALUES (1); END");
  EXPECT_FALSE(checkpoint().ok());
  expect_runs_on_unharmed();
}

// Each step of the session fails in turn.
class FailingStepTest : public CheckpointTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, FailingStepTest,
                         testing::Values("session-begin", "noted-store-begun", "before-dump",
                                         "noted-frozen", "post-dump", "files-copied",
                                         "before-seal"),
                         [](const auto& at) { return std::to_string(at.index); });

TEST_P(FailingStepTest, TheContainerRunsOnUnharmed) {
  set_end(true);
  ::setenv("REPRISE_FAULT", (std::string(GetParam()) + ":fail").c_str(), 1);  // NOLINT
  const auto outcome = checkpoint();
  ::unsetenv("REPRISE_FAULT");  // NOLINT: no other thread
  EXPECT_FALSE(outcome.ok());
  EXPECT_TRUE(outcome.reason.contains(GetParam())) << outcome.reason;
  expect_runs_on_unharmed();
}

}  // namespace
}  // namespace reprise::session
