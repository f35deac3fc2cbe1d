// SPDX-License-Identifier: Apache-2.0
//
// What CRIU's script answers when session and guard are gone: whether the container may end.
#include "session/verdict.h"

#include <chrono>
#include <csignal>
#include <thread>

#include "host/abandoned_sessions.h"
#include "host/continuation_note.h"
#include "session/internal/test_container.h"
#include "session/sealed.h"

namespace reprise::session {
namespace {

class VerdictTest : public TestContainer {
 protected:
  // It is stopped, and CRIU waits for the answer.
  VerdictTest() {
    note(host::encode(request_));
    run();
    freeze();
  }
  void note(const std::string& text) const { write(host::request_file(run_directory()), text); }
  bool may_end(std::chrono::milliseconds patience = oci::Wishes().freeze_limit) const {
    return may_end_without_session(layout_, store::StoreConfig::at(layout_.store), session_,
                                   patience);
  }
  // From now on nobody can tell whether it is sealed.
  void lose_store() const {
    fs::rename(layout_.store, scratch_ / "elsewhere");
    fs::create_directories(layout_.store);
  }
};

constexpr std::chrono::milliseconds kSoon{10};

TEST_F(VerdictTest, WhatIsSealedEndsWithoutRunning) {
  seal();
  EXPECT_TRUE(may_end());
  EXPECT_EQ(end_process(SIGUSR1), SIGKILL);
}

TEST_F(VerdictTest, WhatIsNotSealedRunsOn) {
  ASSERT_TRUE(journal().replace({undo::Frozen()}));  // else it was a person who paused it
  EXPECT_FALSE(may_end());
  EXPECT_FALSE(is_frozen());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
  EXPECT_FALSE(host::read_note(bundle_).value()) << "that is known, so nothing is disowned";
}

// By somebody who came first: what that one decided is not decided again.
TEST_F(VerdictTest, AfterItWasSettledItMayNotEnd) {
  seal();
  fs::remove(host::request_file(run_directory()));
  EXPECT_FALSE(may_end());
  EXPECT_TRUE(is_frozen()) << "nor is anything done to it";
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

// Who it was is not known, but what it sealed is.
TEST_F(VerdictTest, TheSealDecidesForASessionOfAnotherVersion) {
  note("of another version");
  EXPECT_FALSE(may_end());
  EXPECT_TRUE(is_frozen()) << "nobody knows which container that is";
  seal();
  EXPECT_TRUE(may_end());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1);
}

// What the session noted of its checkpoint is none that can be read.
TEST_F(VerdictTest, WithoutAnAnswerItRunsOnWhenTimeIsUp) {
  const base::CheckpointId id = seal();
  ASSERT_TRUE(note_checkpoint(layout_, session_, id));
  ASSERT_TRUE(journal().replace({undo::Frozen()}));
  lose_store();
  EXPECT_FALSE(may_end(kSoon));
  EXPECT_FALSE(is_frozen());
  EXPECT_EQ(end_process(SIGUSR1), SIGUSR1) << "none of its tasks was ended";
}

TEST_F(VerdictTest, WithoutAnAnswerASessionOfAnotherVersionDoesNotEnd) {
  note("of another version");
  seal();
  lose_store();
  EXPECT_FALSE(may_end(kSoon));
  EXPECT_TRUE(is_frozen()) << "nobody knows which container that is";
}

// An empty place where the store was is no answer, nor is a checkpoint that cannot be read.
TEST_F(VerdictTest, ItAsksUntilThereIsAnAnswer) {
  const base::CheckpointId id = seal();
  ASSERT_TRUE(note_checkpoint(layout_, session_, id));
  const fs::path file = layout_.store / "checkpoints" / id.str();
  for (const fs::path& gone : {layout_.store, file}) {
    const fs::path elsewhere = scratch_ / "elsewhere";
    fs::rename(gone, elsewhere);
    if (gone == layout_.store)
      fs::create_directories(gone);
    else
      write(gone, "nothing");
    const auto begin = std::chrono::steady_clock::now();
    constexpr std::chrono::milliseconds kAway{300};
    const std::jthread disk([&] {
      std::this_thread::sleep_for(kAway);  // the disk, which takes its time
      if (gone == layout_.store) fs::remove(gone);
      fs::rename(elsewhere, gone);
    });
    EXPECT_TRUE(may_end()) << gone;
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, kAway) << gone;
    EXPECT_LT(took, std::chrono::seconds(20)) << gone << ": it asks often";
  }
}

}  // namespace
}  // namespace reprise::session
