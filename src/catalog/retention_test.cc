// SPDX-License-Identifier: Apache-2.0
#include "catalog/retention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace reprise::catalog {
namespace {

constexpr base::UnixMillis kMinute = 60'000;
constexpr base::UnixMillis kHour = 60 * kMinute;
constexpr base::UnixMillis kDay = 24 * kHour;
constexpr base::UnixMillis kMidnight = 20'000 * kDay;

using Ids = std::vector<std::string>;

class RetentionTest : public testing::Test {
 protected:
  // As a stop of container "web" makes it.
  CheckpointFacts& add(const std::string& id, base::UnixMillis created) {
    facts_.checkpoints.push_back({.id = base::CheckpointId::parse(id).value(),
                                  .group = "web",
                                  .created = created,
                                  .of_a_stop = true});
    return facts_.checkpoints.back();
  }
  CheckpointFacts& add(const std::string& id, base::UnixMillis created, std::uint64_t bytes,
                       std::vector<std::uint32_t> packs) {
    CheckpointFacts& facts = add(id, created);
    facts.bytes = bytes;
    facts.packs = std::move(packs);
    return facts;
  }
  Decision decide_on(const Retention& policy) {
    StoreFacts sorted = facts_;
    std::ranges::sort(sorted.checkpoints, std::ranges::greater(), &CheckpointFacts::created);
    return decide(sorted, policy);
  }
  Ids removed(const Retention& policy) {
    Ids ids;
    for (const Removal& removal : decide_on(policy).removals) ids.push_back(removal.id.str());
    return ids;
  }

  StoreFacts facts_;
};

TEST_F(RetentionTest, NothingIsRemovedOfNothing) {
  EXPECT_TRUE(decide({}, {}).removals.empty());
  EXPECT_TRUE(decide({}, {.max_bytes = 0}).fits);
}

TEST_F(RetentionTest, ByDefaultOneStopIsKeptBesidesTheOneThatIsContinuedFrom) {
  add("first", 1);
  add("second", 2);
  add("asked-for", 3).of_a_stop = false;
  add("third", 4);
  add("pending", 5).kept = true;
  add("other", 1).group = "db";
  EXPECT_EQ(removed({}), (Ids{"first", "second"})) << "oldest first";
  EXPECT_EQ(removed({.keep_last = 3}), Ids{});
  EXPECT_EQ(removed({.keep_last = 0}), (Ids{"other", "first", "second", "third"}));
}

TEST_F(RetentionTest, ThoseThatWereAskedForCountOnlyIfThePolicySaysSo) {
  add("stop", 1);
  add("asked-for", 2).of_a_stop = false;
  add("imported", 3).of_a_stop = false;
  EXPECT_EQ(removed({.keep_last = 1}), Ids{});
  EXPECT_EQ(removed({.keep_last = 1, .requested = true}), Ids{"asked-for"})
      << "what stops leave is counted on its own";
  EXPECT_EQ(removed({.keep_last = 0, .requested = true}), (Ids{"stop", "asked-for", "imported"}));
}

TEST_F(RetentionTest, KeptOnesAreNotCounted) {
  add("old", 1);
  for (int i = 2; i < 6; ++i) add("pin" + std::to_string(i), i).kept = true;
  EXPECT_EQ(removed({.keep_last = 1}), Ids{});
  EXPECT_EQ(removed({.keep_last = 0}), Ids{"old"});
}

TEST_F(RetentionTest, TheNewestOfEachHourIsKept) {
  for (int hour = 0; hour < 5; ++hour)
    for (const int minute : {0, 20, 59})
      add(std::to_string(hour) + "." + std::to_string(minute),
          kMidnight + hour * kHour + minute * kMinute);
  Ids gone = removed({.keep_last = 0, .keep_hourly = 3});
  EXPECT_EQ(gone.size(), 12U);
  for (const char* kept : {"2.59", "3.59", "4.59"})
    EXPECT_EQ(std::ranges::count(gone, kept), 0) << kept;
  // One that is kept as the last counts for its hour.
  EXPECT_EQ(removed({.keep_last = 1, .keep_hourly = 3}), gone);
  EXPECT_EQ(removed({.keep_last = 2, .keep_hourly = 3}).size(), 11U);
}

TEST_F(RetentionTest, HoursWithoutCheckpointsAreNotCounted) {
  add("long-ago", kMidnight);
  add("last-week", kMidnight + 30 * kDay);
  add("today", kMidnight + 37 * kDay);
  EXPECT_EQ(removed({.keep_last = 0, .keep_hourly = 2}), Ids{"long-ago"});
  EXPECT_EQ(removed({.keep_last = 0, .keep_daily = 3}), Ids{});
}

TEST_F(RetentionTest, HoursAndDaysAddUp) {
  for (int hour = 0; hour < 72; ++hour) add("h" + std::to_string(hour), kMidnight + hour * kHour);
  const Ids gone = removed({.keep_last = 0, .keep_hourly = 2, .keep_daily = 3});
  EXPECT_EQ(gone.size(), 68U);
  for (const char* kept : {"h71", "h70", "h47", "h23"})
    EXPECT_EQ(std::ranges::count(gone, kept), 0) << kept;
}

TEST_F(RetentionTest, ADayEndsAtMidnight) {
  add("evening", kMidnight - 1);
  add("night", kMidnight);
  EXPECT_EQ(removed({.keep_last = 0, .keep_daily = 2}), Ids{});
  EXPECT_EQ(removed({.keep_last = 0, .keep_daily = 1}), Ids{"evening"});
}

TEST_F(RetentionTest, EachContainerHasItsOwnQuota) {
  for (const char* key : {"web", "db"})
    for (int i = 0; i < 3; ++i) add(std::string(key) + std::to_string(i), i).group = key;
  EXPECT_EQ(removed({.keep_last = 1}), (Ids{"db0", "web0", "db1", "web1"}));
}

// --- maximum size

TEST_F(RetentionTest, TheOldestGoUntilTheRestFits) {
  facts_.pack_bytes = {100, 100, 100, 100};
  for (unsigned i = 0; i < 4; ++i) add("c" + std::to_string(i), i, 5, {i});
  const Retention fits{.keep_last = 9, .max_bytes = 420};
  EXPECT_EQ(removed(fits), Ids{});
  EXPECT_EQ(decide_on(fits).bytes, 420U);
  const Retention less{.keep_last = 9, .max_bytes = 419};
  EXPECT_EQ(removed(less), Ids{"c0"});
  EXPECT_EQ(decide_on(less).bytes, 315U);
  EXPECT_EQ(decide_on(less).removals.front().why, Why::kTooLarge);
}

TEST_F(RetentionTest, TheNewestOfAContainerPinnedAndPendingOnesAreNeverTooLarge) {
  facts_.pack_bytes = {100, 100, 100, 100};
  add("pinned", 1, 5, {0}).kept = true;
  add("old", 2, 5, {1}).of_a_stop = false;
  add("newest", 3, 5, {2});
  add("db", 0, 5, {3}).group = "db";
  const Decision decision = decide_on({.max_bytes = 1});
  EXPECT_EQ(decision.removals, (std::vector<Removal>{{base::CheckpointId("old"), Why::kTooLarge}}));
  EXPECT_FALSE(decision.fits);
  EXPECT_EQ(decision.bytes, 315U);
}

TEST_F(RetentionTest, WhatLiesElsewhereGoesFirst) {
  facts_.pack_bytes = {100, 100, 100, 100, 100};
  add("oldest", 1, 5, {0});
  add("copied-1", 2, 5, {1}).elsewhere = true;
  add("copied-2", 3, 5, {2}).elsewhere = true;
  add("older", 4, 5, {3});
  add("newest", 5, 5, {4});
  const auto within = [&](std::uint64_t bytes) {
    return removed({.keep_last = 9, .max_bytes = bytes});
  };
  EXPECT_EQ(within(525), Ids{});
  EXPECT_EQ(within(420), Ids{"copied-1"});
  EXPECT_EQ(within(315), (Ids{"copied-1", "copied-2"}));
  EXPECT_EQ(within(210), (Ids{"copied-1", "copied-2", "oldest"}));
  EXPECT_EQ(within(1), (Ids{"copied-1", "copied-2", "oldest", "older"}));
}

TEST_F(RetentionTest, TheNewestGoesIfItLiesElsewhereAndNothingContinuesFromIt) {
  facts_.pack_bytes = {100, 100, 100};
  add("older", 1, 5, {0});
  CheckpointFacts& newest = add("newest", 2, 5, {1});
  newest.elsewhere = true;
  add("db", 3, 5, {2}).group = "db";
  const Retention policy{.keep_last = 9, .max_bytes = 210};
  EXPECT_EQ(removed(policy), Ids{"newest"}) << "the older one would be lost";
  // For a stop/start it is needed here: a start asks no remote.
  facts_.checkpoints[1].kept = true;
  EXPECT_EQ(removed(policy), Ids{"older"});
}

TEST_F(RetentionTest, WhatIsSupersededGoesWhereverItLies) {
  add("older", 1);
  add("copied", 2).elsewhere = true;
  add("newest", 3);
  EXPECT_EQ(removed({}), (Ids{"older", "copied"}));
}

TEST_F(RetentionTest, ACheckpointWhosePagesOthersNeedIsNotInTheWay) {
  facts_.pack_bytes = {1000, 300, 10};
  add("oldest", 1, 5, {0});
  add("large", 2, 5, {0, 1});
  add("newest", 3, 5, {0, 2});
  EXPECT_EQ(removed({.keep_last = 9, .max_bytes = 1100}), Ids{"large"});
}

TEST_F(RetentionTest, WhatIsSupersededMakesRoomFirst) {
  facts_.pack_bytes = {100, 100, 100};
  add("superseded", 1, 5, {0});
  add("asked-for", 0, 5, {1}).of_a_stop = false;
  add("newest", 3, 5, {2});
  EXPECT_EQ(removed({.keep_last = 1, .max_bytes = 210}), Ids{"superseded"});
  EXPECT_EQ(removed({.keep_last = 1, .max_bytes = 209}), (Ids{"superseded", "asked-for"}));
}

// Against a rule that is too simple to be wrong: whatever the facts, what must stay stays, and no
// single removal could be spared.
TEST_F(RetentionTest, NoMoreIsRemovedForItsSizeThanMustBe) {
  std::uint64_t state = 20261124;
  const auto random = [&](std::uint64_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % below;
  };
  for (int round = 0; round < 200; ++round) {
    facts_ = {};
    for (int pack = 0; pack < 8; ++pack) facts_.pack_bytes.push_back(1 + random(100));
    for (int i = 0; i < 12; ++i) {
      std::vector<std::uint32_t> packs;
      for (std::uint32_t pack = 0; pack < 8; ++pack)
        if (random(3) == 0) packs.push_back(pack);
      CheckpointFacts& facts = add("c" + std::to_string(i), i, 1 + random(5), packs);
      facts.group = std::to_string(random(3));
      facts.kept = random(5) == 0;
      facts.elsewhere = random(2) == 0;
    }
    const Retention policy{.keep_last = 99, .max_bytes = random(500)};
    const Decision decision = decide_on(policy);
    const auto bytes_without = [&](const std::vector<Removal>& removals) {
      std::uint64_t bytes = 0;
      std::vector<bool> needed(facts_.pack_bytes.size());
      for (const CheckpointFacts& facts : facts_.checkpoints) {
        if (std::ranges::count(removals, facts.id, &Removal::id) > 0) continue;
        bytes += facts.bytes;
        for (const std::uint32_t pack : facts.packs) needed[pack] = true;
      }
      for (std::size_t pack = 0; pack < needed.size(); ++pack)
        bytes += needed[pack] ? facts_.pack_bytes[pack] : 0;
      return bytes;
    };
    ASSERT_EQ(decision.bytes, bytes_without(decision.removals)) << round;
    ASSERT_EQ(decision.fits, decision.bytes <= *policy.max_bytes) << round;
    for (const Removal& removal : decision.removals) {
      const auto& gone = *std::ranges::find(facts_.checkpoints, removal.id, &CheckpointFacts::id);
      ASSERT_FALSE(gone.kept) << round;
      std::vector<Removal> others = decision.removals;
      std::erase(others, removal);
      ASSERT_TRUE(!decision.fits || bytes_without(others) > *policy.max_bytes) << round;
    }
  }
}

}  // namespace
}  // namespace reprise::catalog
