// SPDX-License-Identifier: Apache-2.0
//
// For tests of this module only: a container that was checkpointed, and a session that restores it
// with an engine and a runc that only say what they were asked for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "catalog/origin.h"
#include "host/message.h"
#include "session/internal/fake_engine.h"
#include "session/internal/test_container.h"
#include "session/restore_session.h"

namespace reprise::session {

class RestoreTest : public TestContainer {
 protected:
  // Its checkpoint is of what the test has made of the container by then.
  void SetUp() override {
    checkpoint_ = begin_restore();
    EXPECT_TRUE(catalog::note_made_here(layout_.store, checkpoint_));
    EXPECT_TRUE(journal().replace({}));
    run();
    criu_.restored = state().init.pid;
    EXPECT_TRUE(catalog().begin_session({.id = session_,
                                         .key = host::key_of(request_),
                                         .kind = catalog::SessionKind::kRestore,
                                         .trigger = "start",
                                         .begin = 1,
                                         .phases = "{}"}));
  }
  enum class Wrapper : std::uint8_t { kTellsSuccess, kTellsFailure, kIsKilled };
  host::Outcome restore(Wrapper wrapper = Wrapper::kTellsSuccess) {
    Context context = this->context();
    context.engine = std::make_unique<FakeEngine>(criu_);
    // It is read when no step is due any more.
    if (wrapper != Wrapper::kIsKilled)
      EXPECT_TRUE(wrapper_->send(host::encode_restored(wrapper == Wrapper::kTellsSuccess ? 0 : 1)));
    else
      wrapper_.reset();
    host::Outcome outcome = RestoreSession(context).run();
    store_ = std::move(context.store.checkpoints);
    return outcome;
  }
  bool is_claimed() {
    return catalog().fate_of_claim(host::key_of(request_), session_).value() ==
           catalog::ClaimFate::kHeld;
  }
  // It can be tried again from the same moment.
  void expect_undone() {
    EXPECT_TRUE(is_claimed());
    EXPECT_FALSE(is_frozen());
    EXPECT_TRUE(journal().load().value()->empty());
    EXPECT_FALSE(fs::exists(layout_.restored_marker_of(host::identity_of(request_))));
    EXPECT_EQ(catalog().find_session(session_.str())->status, catalog::SessionStatus::kFailed);
  }
  base::CheckpointId checkpoint_;
  FakeCriu criu_;
};

}  // namespace reprise::session
