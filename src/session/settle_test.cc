// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a session that was killed, whatever it had done by then.
#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "host/continuation_note.h"
#include "host/message.h"
#include "host/request.h"
#include "session/internal/test_container.h"
#include "session/promised_signal.h"
#include "session/settlement.h"

namespace reprise::session {
namespace {

using base::ErrorCode;
using Since = Settlement::Since;

// A session of this version, which keeps a journal, and one that a version before left behind.
enum class By : std::uint8_t { kThisVersion, kOlder };

class SettleTest : public TestContainer, public testing::WithParamInterface<By> {
 protected:
  SettleTest() { begin_journal({undo::SignalPromised()}); }
  static bool is_older() { return GetParam() == By::kOlder; }
  void begin_journal(const std::vector<undo::Step>& steps) const {
    EXPECT_TRUE(is_older() || journal().replace(steps));
  }
  void note(const undo::Step& step, const char* older_note) const {
    if (is_older()) return write(run_directory() / older_note, "");
    EXPECT_TRUE(journal().write(step));
  }
  void note_frozen() const { note(undo::Frozen(), "freezes"); }
  void note_restore_begun() const { note(undo::RestoreBegun(), "ready"); }
  base::CheckpointId begin_restore() {
    const base::CheckpointId id = TestContainer::begin_restore();
    begin_journal({});
    return id;
  }
  void expect_recorded(catalog::SessionStatus status, const char* reason) {
    const auto row = catalog().find_session(session_.str());
    ASSERT_TRUE(row) << row.error().details();
    EXPECT_EQ(row->status, status);
    EXPECT_EQ(row->reason, reason);
  }
  std::vector<catalog::LifeEvent> history() {
    std::vector<catalog::LifeEvent> events;
    const auto rows = catalog().lives(host::key_of(request_));
    for (const catalog::LifeRow& row : rows.value()) events.push_back(row.event);
    return events;
  }
  void note_pending() {
    EXPECT_TRUE(is_older() || journal().write(undo::ContinuationNoted()));
    ASSERT_TRUE(host::write_note(
        bundle_,
        {.checkpoint = base::CheckpointId("k"), .session = session_, .store = layout_.store}));
  }
};

INSTANTIATE_TEST_SUITE_P(, SettleTest, testing::Values(By::kThisVersion, By::kOlder),
                         [](const auto& by) { return by.param == By::kOlder ? "older" : "this"; });

TEST_P(SettleTest, OneThatSealedNothingIsRolledBackAndItsSignalDelivered) {
  run();
  note_pending();
  freeze();
  note_frozen();
  const auto outcome = settle_session();
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.reason, "the worker was killed");
  EXPECT_FALSE(is_frozen());
  EXPECT_FALSE(host::read_note(bundle_).value()) << "there is nothing to go on from";
  EXPECT_TRUE(calls().ends_with("kill web 15\n")) << calls();
  expect_recorded(catalog::SessionStatus::kFailed, "the worker was killed");
  EXPECT_TRUE(history().empty()) << "nothing has changed for the container";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "it lives";
}

TEST_P(SettleTest, AContainerThatAPersonPausedStaysPaused) {
  run();
  freeze();
  EXPECT_FALSE(settle_session().ok());
  EXPECT_TRUE(is_frozen());
}

TEST_P(SettleTest, ASignalIsDeliveredOnce) {
  run();
  if (is_older()) write(run_directory() / "signal-delivered", "");
  EXPECT_TRUE(is_older() || deliver_signal(layout_, request_));
  const std::string before = calls();
  EXPECT_FALSE(settle_session().ok());
  EXPECT_EQ(calls(), before);
}

TEST_P(SettleTest, WhatIsSealedIsMadeVisibleAndItsContainerEnds) {
  run();
  freeze();
  note_frozen();
  const base::CheckpointId id = seal();
  const auto outcome = settle_session();
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.checkpoint, id);
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL) << "two of it must never run";
  EXPECT_EQ(calls().find("kill"), std::string::npos) << "no signal: it is not to clean up";
  ASSERT_TRUE(continuation());
  EXPECT_EQ(continuation()->checkpoint, id);
  expect_recorded(catalog::SessionStatus::kOk, "");
  EXPECT_EQ(history(), std::vector{catalog::LifeEvent::kCheckpointed});
}

TEST_P(SettleTest, WhatWasSealedOfOneThatIsToRunOnLetsItRun) {
  run();
  freeze();
  note_frozen();
  const base::CheckpointId id = seal(/*ended=*/false);
  EXPECT_TRUE(settle_session().ok());
  EXPECT_FALSE(is_frozen());
  EXPECT_TRUE(catalog().find_checkpoint(id.str()));
  EXPECT_FALSE(continuation()) << "it has run on since";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

TEST_P(SettleTest, WhatIsSealedOfOneThatIsGoneIsMadeVisible) {
  const base::CheckpointId id = seal();
  EXPECT_TRUE(settle_session(Since::kLong).ok());
  ASSERT_TRUE(continuation());
  EXPECT_EQ(continuation()->checkpoint, id);
}

// Its guard is at once there; whoever comes later may find that it has lived for hours since.
TEST_P(SettleTest, OneThatOutlivedItsSealForLongIsNotThrownAway) {
  run();
  const base::CheckpointId id = seal();
  const auto outcome = settle_session(Since::kLong);
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.code, ErrorCode::kGone);
  EXPECT_FALSE(continuation());
  const auto note = host::read_note(bundle_).value();
  ASSERT_TRUE(note);
  EXPECT_EQ(note->state, host::ContinuationNote::State::kDropped);
  EXPECT_TRUE(store_->open(id)) << "people can still go back to it";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "it lives";
}

TEST_P(SettleTest, OneThatJustOutlivedItsSealIsEnded) {
  run();
  seal();
  EXPECT_TRUE(settle_session(Since::kNow).ok());
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

// Whether it runs is not known, so neither of the two is given up.
TEST_P(SettleTest, WhereTheStateCannotBeReadItIsLeftToTheNext) {
  run();
  seal();
  write(runc_root_ / "web/state.json", "{");
  const auto outcome = settle_session(Since::kLong);
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.code, ErrorCode::kBusy);
  EXPECT_FALSE(catalog().find_session(session_.str())) << "it has no outcome yet";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

TEST_P(SettleTest, SettlingTwiceChangesNothing) {
  const base::CheckpointId id = seal();
  EXPECT_TRUE(settle_session().ok());
  EXPECT_TRUE(settle_session().ok());
  EXPECT_EQ(catalog().find_checkpoint(id.str()).value().id, id);
  EXPECT_TRUE(continuation());
}

TEST_P(SettleTest, ARestoreWhoseClaimWasConsumedStands) {
  const base::CheckpointId id = begin_restore();
  run();
  freeze();
  note_restore_begun();
  ASSERT_TRUE(catalog().consume_claim(host::key_of(request_), session_));
  const auto outcome = settle_session(Since::kLong);
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(outcome.checkpoint, id);
  EXPECT_FALSE(is_frozen());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "it runs";
  EXPECT_EQ(history(), std::vector{catalog::LifeEvent::kRestored});
  expect_recorded(catalog::SessionStatus::kOk, "");
}

// By whoever had claimed it, who could not wait until it was undone. It was once taken for
// consumed: three restores were recorded that there never were, and what volumes had held stayed
// aside.
TEST_P(SettleTest, ARestoreWhoseClaimWasGivenBackIsUndone) {
  begin_restore();
  const fs::path volume = scratch_ / "volume";
  const fs::path aside = scratch_ / "aside";
  fs::create_directories(volume);
  fs::create_directories(aside);
  write(volume / "file", "of the checkpoint");
  write(aside / "file", "of before");
  begin_journal({undo::VolumePutAside{.directory = volume, .aside = aside}});
  ASSERT_TRUE(catalog().release_claim(host::key_of(request_), session_));
  EXPECT_FALSE(settle_session(Since::kLong).ok());
  EXPECT_EQ(history(), std::vector{catalog::LifeEvent::kRestoreFailed});
  expect_recorded(catalog::SessionStatus::kFailed, "the worker was killed");
  EXPECT_TRUE(is_older() || read(volume / "file") == "of before");
}

TEST_P(SettleTest, ARestoreThatHasItsClaimStillIsUndone) {
  const base::CheckpointId id = begin_restore();
  run();
  freeze();
  note_restore_begun();
  const auto outcome = settle_session(Since::kLong);
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL) << "none of its tasks has run, and none may";
  EXPECT_NE(calls().find("delete --force web"), std::string::npos) << calls();
  ASSERT_TRUE(continuation());
  EXPECT_EQ(continuation()->checkpoint, id);
  EXPECT_EQ(history(), std::vector{catalog::LifeEvent::kRestoreFailed});
  expect_recorded(catalog::SessionStatus::kFailed, "the worker was killed");
}

// Not even runc was told to restore: somebody else's container of that id is left alone.
TEST_P(SettleTest, ARestoreThatHadNotBegunTouchesNoContainer) {
  begin_restore();
  run();
  freeze();
  EXPECT_FALSE(settle_session(Since::kLong).ok());
  EXPECT_EQ(calls(), "");
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

}  // namespace
}  // namespace reprise::session
