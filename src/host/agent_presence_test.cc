// SPDX-License-Identifier: Apache-2.0
#include "host/agent_presence.h"

#include <gtest/gtest.h>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::host {
namespace {

using std::chrono::seconds;

struct AgentPresenceTest : testing::Test {
  void SetUp() override {
    std::filesystem::create_directories(layout.store);
    std::filesystem::create_directories(layout.run);
  }
  sys::TestDirectory directory;
  Layout layout{.store = directory / "store", .run = directory / "run", .runc = {}};
};

TEST_F(AgentPresenceTest, WhereNoAgentEverWasNobodyWaits) {
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kNone);
}

TEST_F(AgentPresenceTest, AnAgentThatIsAwayIsExpected) {
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kExpected);
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kExpected);
}

TEST_F(AgentPresenceTest, OfANodeFromWhichItWasTakenNobodyExpectsIt) {
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  ASSERT_TRUE(expect_no_agent(layout.store));
  ASSERT_TRUE(expect_no_agent(layout.store)) << "again";
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kNone);
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  ASSERT_TRUE(expect_agent(layout.store, seconds(0)));
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kNone) << "nobody is to wait";
}

TEST_F(AgentPresenceTest, NotForEver) {
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  ASSERT_EQ(note_agent_away(layout), AgentAbsence::kExpected);
  // What it was asked first is as old as that: the note is taken apart as it was written.
  auto text = sys::read_file(layout.run / "agent-away").value();
  const auto boot = text.substr(0, text.find(' '));
  ASSERT_TRUE(sys::replace_file(layout.run / "agent-away",
                                boot + " -599000 " + text.substr(text.rfind(' ') + 1)));
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kOver);
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kNone) << "from now on it has none";
  // One that is started again and again, and never answers, holds nobody up once more.
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kOver);
  ASSERT_TRUE(expect_agent(layout.store, seconds(600)));
  note_agent_there(layout);
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kExpected) << "it had answered";
}

TEST_F(AgentPresenceTest, AMarkThatNobodyCanReadIsOne) {
  ASSERT_TRUE(sys::replace_file(layout.store / "agent", "who knows"));
  ASSERT_TRUE(sys::replace_file(layout.run / "agent-away", "garbage"));
  EXPECT_EQ(note_agent_away(layout), AgentAbsence::kExpected);
}

TEST(AwayNote, AnotherBootAndAnotherAbsenceBeginAnew) {
  const AwayNote before{.boot = "b", .since = 1000, .last = 5000};
  EXPECT_EQ(away_now(before, "b", 9000, seconds(10)),
            (AwayNote{.boot = "b", .since = 1000, .last = 9000}));
  for (const AwayNote& other : {AwayNote{.boot = "a", .since = 1000, .last = 5000},
                                AwayNote{.boot = "b", .since = 9001, .last = 9001},
                                AwayNote{.boot = "b", .since = -2'000'000, .last = -1'000'000}})
    EXPECT_EQ(away_now(other, "b", 9000, seconds(10)),
              (AwayNote{.boot = "b", .since = 9000, .last = 9000}))
        << other.since;
}

}  // namespace
}  // namespace reprise::host
