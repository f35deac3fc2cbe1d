// SPDX-License-Identifier: Apache-2.0
#include "daemon/leftovers.h"

#include <gtest/gtest.h>

namespace reprise::daemon {
namespace {

CheckpointObject consumed(const std::string& uid, const std::string& when,
                          const std::string& slot = "db-0") {
  return read_checkpoint(
             {{"metadata",
               {{"name", uid}, {"namespace", "shop"}, {"uid", uid}, {"creationTimestamp", when}}},
              {"spec",
               {{"podUID", "p"}, {"node", "n1"}, {"slot", slot}, {"owner", {{"uid", "o"}}}}},
              {"status",
               {{"phase", "Consumed"}, {"claimedBy", {{"podUID", "q"}, {"node", "n2"}}}}}})
      .value();
}

std::vector<std::string> needless_on(const std::string& node,
                                     const std::vector<CheckpointObject>& all,
                                     std::chrono::minutes since = std::chrono::minutes{0}) {
  const LeftoverTime start;
  std::map<std::string, LeftoverTime> seen;
  for (const CheckpointObject& one : all) seen[one.uid] = start;
  std::vector<std::string> uids;
  for (const CheckpointObject& one : needless(all, node, seen, start + since))
    uids.push_back(one.uid);
  return uids;
}

using Uids = std::vector<std::string>;

TEST(Leftovers, TheNewestOfAPlaceIsKeptForAWhile) {
  const std::vector all{consumed("c1", "2026-01-01T00:00:00Z"),
                        consumed("c2", "2026-01-01T00:00:09Z")};
  EXPECT_EQ(needless_on("n1", all), Uids{"c1"});
  EXPECT_EQ(needless_on("n2", all), Uids{"c1"}) << "what was fetched as well";
  EXPECT_EQ(needless_on("n3", all), Uids{}) << "it has no part in it";
  EXPECT_EQ(needless_on("n1", all, kLeftoverTime), (Uids{"c1", "c2"}));
}

TEST(Leftovers, ReplicasThatAreAlikeHaveNoPlace) {
  const std::vector all{consumed("c1", "2026-01-01T00:00:00Z", ""),
                        consumed("c2", "2026-01-01T00:00:09Z", "")};
  EXPECT_EQ(needless_on("n1", all), Uids{});
}

TEST(Leftovers, WhatNobodyWentOnFromIsNotOurs) {
  CheckpointObject waits = consumed("c1", "2026-01-01T00:00:00Z");
  for (const Phase phase : {Phase::kPromised, Phase::kClaimable, Phase::kWithdrawn}) {
    waits.phase = phase;
    EXPECT_EQ(needless_on("n1", {waits, consumed("c2", "2026-01-01T00:00:09Z")}, kLeftoverTime),
              Uids{"c2"});
  }
}

}  // namespace
}  // namespace reprise::daemon
