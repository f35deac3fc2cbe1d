// SPDX-License-Identifier: Apache-2.0
#include "daemon/expiry.h"

#include <gtest/gtest.h>

#include <limits>

#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

using nlohmann::json;

const base::UnixMillis kNow = *base::from_iso8601("2026-03-10T12:00:00Z");

CheckpointObject checkpoint_of(const std::string& phase, const std::string& created,
                               const std::string& slot = "", const std::string& uid = "12345678") {
  return *read_checkpoint(
      json::parse(R"({"metadata": {"name": "web-1-)" + uid + R"(", "namespace": "x", "uid": "c-)" +
                  uid + R"(", "creationTimestamp": ")" + created + R"("},
          "spec": {"pod": "web-1", "podUID": ")" +
                  uid + R"(", "node": "n1", "slot": ")" + slot +
                  R"(", "owner": {"kind": "ReplicaSet", "uid": "o"}, "containers": ["main"]},
          "status": {"phase": ")" +
                  phase + R"("}})"));
}

std::size_t count_expired(const std::vector<CheckpointObject>& all) {
  return expired(all, "n1", kNow).size();
}

TEST(ExpiryTest, WhatNobodyGoesOnFromGoesInTime) {
  EXPECT_EQ(count_expired({checkpoint_of("Withdrawn", "2026-03-09T11:00:00Z")}), 1U);
  EXPECT_EQ(count_expired({checkpoint_of("Withdrawn", "2026-03-09T13:00:00Z")}), 0U);
  EXPECT_EQ(count_expired({checkpoint_of("Consumed", "2026-03-09T11:00:00Z")}), 1U);
  EXPECT_EQ(count_expired({checkpoint_of("Claimable", "2026-03-09T11:00:00Z")}), 0U);
  EXPECT_EQ(count_expired({checkpoint_of("Claimable", "2026-03-03T11:00:00Z")}), 1U);
  EXPECT_EQ(count_expired({checkpoint_of("Promised", "2026-01-01T00:00:00Z")}), 0U);
  EXPECT_TRUE(expired({checkpoint_of("Withdrawn", "2026-01-01T00:00:00Z")}, "n2", kNow).empty());
}

TEST(ExpiryTest, WhatIsClaimedStays) {
  auto claimed = checkpoint_of("Claimable", "2026-01-01T00:00:00Z");
  set_claim(claimed, {.pod = "web-2", .uid = "u", .node = "n2"});
  EXPECT_EQ(count_expired({claimed}), 0U);
}

TEST(ExpiryTest, APolicySaysHowLong) {
  auto one = checkpoint_of("Claimable", "2026-03-10T11:00:00Z");
  set_retention(one.object, {.unclaimed = std::chrono::seconds(600), .withdrawn = {}});
  EXPECT_EQ(count_expired({one}), 1U);
  set_retention(one.object, {.unclaimed = std::chrono::seconds(6000), .withdrawn = {}});
  EXPECT_EQ(count_expired({one}), 0U);
  // Beyond what is usual, too.
  auto old = checkpoint_of("Withdrawn", "2026-03-01T00:00:00Z");
  set_retention(old.object, {.unclaimed = {}, .withdrawn = std::chrono::hours(24 * 30)});
  EXPECT_EQ(count_expired({old}), 0U);
}

TEST(ExpiryTest, WhoeverSaysForEverIsUnderstood) {
  auto one = checkpoint_of("Claimable", "2026-03-03T00:00:00Z");
  for (const std::int64_t time : {std::int64_t{400'000'000}, std::int64_t{10'000'000'000'000'000},
                                  std::numeric_limits<std::int64_t>::max()}) {
    set_retention(one.object, {.unclaimed = std::chrono::seconds(time), .withdrawn = {}});
    EXPECT_EQ(count_expired({one}), 0U) << time;
    one.object["spec"]["retention"]["unclaimedSeconds"] = time;  // as somebody else wrote it
    EXPECT_EQ(count_expired({one}), 0U) << time;
  }
}

// A pod may have waited for a node for days.
TEST(ExpiryTest, WhatWasWithdrawnJustNowStays) {
  auto one = checkpoint_of("Withdrawn", "2026-03-01T00:00:00Z");
  EXPECT_EQ(count_expired({one}), 1U) << "an agent of before did not say when";
  one.object["status"]["lastTransitionTime"] = "2026-03-10T11:00:00Z";
  EXPECT_EQ(count_expired({one}), 0U);
  one.object["status"]["lastTransitionTime"] = "2026-03-09T11:00:00Z";
  EXPECT_EQ(count_expired({one}), 1U);
}

// Without the newer one, a pod would go on from the older.
TEST(ExpiryTest, WhatTellsThatAnOlderOneDoesNotCountStays) {
  const auto older = checkpoint_of("Claimable", "2026-03-08T00:00:00Z", "web-1", "aaaaaaaa");
  const auto newer = checkpoint_of("Consumed", "2026-03-09T00:00:00Z", "web-1", "bbbbbbbb");
  EXPECT_EQ(count_expired({older, newer}), 0U);
  EXPECT_EQ(count_expired({newer}), 1U);
}

TEST(ExpiryTest, RecordsOutliveTheAgent) {
  const sys::TestDirectory store;
  const CheckpointRecords::Record record{.name_space = "x",
                                         .name = "web-1-u",
                                         .pod = "web-1",
                                         .pod_uid = "u-1",
                                         .containers = {"main", "side"}};
  CheckpointRecords records(store.path());
  EXPECT_TRUE(records.all()->empty());
  ASSERT_TRUE(records.keep(record));
  ASSERT_TRUE(records.keep(record));
  CheckpointRecords other(store.path());
  const auto found = other.all();
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ(found->front().pod_uid, "u-1");
  EXPECT_EQ(found->front().containers, record.containers);
  ASSERT_TRUE(other.drop("u-1"));
  EXPECT_TRUE(other.all()->empty());
  auto forged = record;
  forged.pod_uid = "../../etc/x";
  EXPECT_FALSE(records.keep(forged));
}

}  // namespace
}  // namespace reprise::daemon
