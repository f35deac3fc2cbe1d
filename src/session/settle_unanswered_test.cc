// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a session that was killed where the store, the catalog or runc does not answer:
// unknown is never "no".
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include "catalog/origin.h"
#include "session/internal/test_container.h"
#include "session/sealed.h"
#include "session/settlement.h"

namespace reprise::session {
namespace {

using base::ErrorCode;
using Since = Settlement::Since;

class UnansweredTest : public TestContainer {};

// What is sealed and not in the catalog would be lost to whoever looks there.
TEST_F(UnansweredTest, WhatCannotBeMadeVisibleIsLeftToTheNext) {
  const base::CheckpointId id = seal();
  change_catalog(
      "CREATE TRIGGER broken BEFORE INSERT ON checkpoints BEGIN INSERT INTO none VALUES (1); "
      "END");
  const auto busy = settle_session();
  EXPECT_FALSE(busy.ok());
  EXPECT_EQ(busy.code, ErrorCode::kBusy);
  EXPECT_FALSE(catalog().find_session(session_.str())) << "it has no outcome yet";
  change_catalog("DROP TRIGGER broken");
  EXPECT_TRUE(settle_session().ok());
  ASSERT_TRUE(continuation());
  EXPECT_EQ(continuation()->checkpoint, id);
}

// A disk that does not answer for a moment has not said no.
TEST_F(UnansweredTest, WhetherItIsSealedIsAskedUntilThereIsAnAnswer) {
  const base::CheckpointId id = seal();
  ASSERT_TRUE(note_checkpoint(layout_, session_, id));
  const fs::path file = layout_.store / "checkpoints" / id.str();
  const std::string whole = read(file);
  write(file, "nothing");
  EXPECT_FALSE(find_sealed(*store_, layout_, session_));
  constexpr std::chrono::seconds kPatience{20};
  const auto begin = std::chrono::steady_clock::now();
  const std::jthread disk([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the disk, which takes its time
    write(file.string() + ".new", whole);
    fs::rename(file.string() + ".new", file);
  });
  EXPECT_TRUE(settle_session(Since::kNow, kPatience).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience);
  EXPECT_TRUE(continuation());
}

// Nothing can be given back to it any more, but it must not stand still for ever.
TEST_F(UnansweredTest, ARestoreThatStandsRunsAlsoWithoutItsCheckpoint) {
  const base::CheckpointId id = begin_restore();
  run();
  freeze();
  ASSERT_TRUE(journal().write(undo::RestoreBegun()));
  ASSERT_TRUE(catalog().consume_claim(host::key_of(request_), session_));
  ASSERT_TRUE(store_->remove(id));
  EXPECT_TRUE(settle_session(Since::kLong).ok());
  EXPECT_FALSE(is_frozen());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

// Where the catalog does not say who has the claim, the freezer does: no task runs before.
TEST_F(UnansweredTest, WithoutTheCatalogTasksThatRunStay) {
  begin_restore();
  run();
  ASSERT_TRUE(journal().write(undo::RestoreBegun()));
  change_catalog("DROP TABLE continuations");
  EXPECT_TRUE(settle_session(Since::kLong).ok());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

TEST_F(UnansweredTest, WithoutTheCatalogTasksThatStandStillHaveNotRun) {
  begin_restore();
  run();
  freeze();
  ASSERT_TRUE(journal().write(undo::RestoreBegun()));
  change_catalog("DROP TABLE continuations");
  EXPECT_FALSE(settle_session(Since::kLong).ok());
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

TEST_F(UnansweredTest, WithoutTheCatalogNothingThatIsGoneStands) {
  begin_restore();
  change_catalog("DROP TABLE continuations");
  EXPECT_FALSE(settle_session(Since::kLong).ok()) << "runc knows of none";
  run();
  end_process();
  EXPECT_FALSE(settle_session(Since::kLong).ok()) << "it has ended";
}

TEST_F(UnansweredTest, WhatIsSettledCountsAsMadeHere) {
  const base::CheckpointId id = seal();
  ASSERT_TRUE(settle_session().ok());
  EXPECT_TRUE(catalog::is_made_here(layout_.store, id).value()) << "its images need no comparison";
}

// Nobody takes up what was sealed; the promise counts that was given before.
TEST_F(UnansweredTest, OneThatOutlivedItsSealIsToldToStop) {
  run();
  seal();
  EXPECT_FALSE(settle_session(Since::kLong).ok());
  EXPECT_TRUE(calls().ends_with("kill web 15\n")) << calls();
}

}  // namespace
}  // namespace reprise::session
