// SPDX-License-Identifier: Apache-2.0
#include "runtime/cold_cause.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

using base::CheckpointId;
using catalog::CheckpointRow;
using catalog::LifeEvent;
using catalog::LifeRow;

LifeRow event(LifeEvent what) { return {.event = what}; }
LifeRow checkpointed(const char* id, const char* trigger) {
  return {.event = LifeEvent::kCheckpointed,
          .checkpoint = CheckpointId::parse(id).value(),
          .detail = trigger};
}
LifeRow stopped_with(const char* id) { return checkpointed(id, "stop"); }
LifeRow saved_as(const char* id) { return checkpointed(id, "request"); }

TEST(ColdCause, OfAContainerThatNeverHadACheckpointNothingIsSaid) {
  EXPECT_EQ(cold_cause({}, {}, Wanted::kNo), "");
  EXPECT_EQ(cold_cause({event(LifeEvent::kStarted), event(LifeEvent::kEnded)}, {}, Wanted::kNo),
            "");
}

TEST(ColdCause, ALifeThatEndedWithoutOneNamesTheNewest) {
  EXPECT_EQ(cold_cause({event(LifeEvent::kStarted), saved_as("aaa"), event(LifeEvent::kEnded)},
                       {CheckpointRow{.id = CheckpointId("aaa")}}, Wanted::kNo),
            "its last life did not end with a checkpoint; the newest is 'aaa'");
}

TEST(ColdCause, ARemovedCheckpointIsNamedAndSoIsWhatIsLeft) {
  const std::vector<LifeRow> lives = {event(LifeEvent::kStarted), saved_as("aaa"),
                                      stopped_with("bbb"), event(LifeEvent::kEnded)};
  EXPECT_EQ(cold_cause(lives, {}, Wanted::kNo),
            "checkpoint 'bbb', with which its last life ended, was removed");
  EXPECT_EQ(cold_cause(lives, {CheckpointRow{.id = CheckpointId("aaa")}}, Wanted::kNo),
            "checkpoint 'bbb', with which its last life ended, was removed; the newest is 'aaa'");
}

TEST(ColdCause, WhatSomebodyAskedForIsNoFault) {
  EXPECT_EQ(cold_cause({event(LifeEvent::kStarted), stopped_with("bbb")},
                       {CheckpointRow{.id = CheckpointId("bbb")}}, Wanted::kYes),
            "as asked; the newest is 'bbb'");
}

TEST(ColdCause, OneThatIsThereAndNotGoneOnFrom) {
  EXPECT_EQ(cold_cause({event(LifeEvent::kStarted), stopped_with("bbb")},
                       {CheckpointRow{.id = CheckpointId("bbb")}}, Wanted::kNo),
            "checkpoint 'bbb', with which its last life ended, is not to be gone on from any "
            "more; the newest is 'bbb'");
}

TEST(ColdCause, OnlyTheLastLifeCounts) {
  EXPECT_EQ(cold_cause({event(LifeEvent::kStarted), stopped_with("bbb"),
                        event(LifeEvent::kRestored), event(LifeEvent::kEnded)},
                       {CheckpointRow{.id = CheckpointId("bbb")}}, Wanted::kNo),
            "its last life did not end with a checkpoint; the newest is 'bbb'");
}

}  // namespace
}  // namespace reprise::runtime
