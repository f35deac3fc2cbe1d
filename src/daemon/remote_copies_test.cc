// SPDX-License-Identifier: Apache-2.0
#include "daemon/remote_copies.h"

#include <gtest/gtest.h>

#include "sys/test_directory.h"

namespace reprise::daemon {
namespace {

const CopyRecords::Record kRecord{.remote = "depot",
                                  .checkpoint = base::CheckpointId("saved"),
                                  .name_space = "shop",
                                  .pod_uid = "u-1"};

CheckpointObject checkpoint_of(const std::string& pod_uid, const std::string& phase,
                               const std::string& name_space = "shop") {
  return read_checkpoint({{"metadata", {{"name", "c"}, {"namespace", name_space}, {"uid", "c"}}},
                          {"spec", {{"podUID", pod_uid}, {"node", "n1"}}},
                          {"status", {{"phase", phase}}}})
      .value();
}

TEST(RemoteCopies, AreNeededUntilAnotherPodHasGoneOn) {
  for (const char* phase : {"Promised", "Claimable", "Withdrawn"})
    EXPECT_TRUE(needs_copy({checkpoint_of("u-1", phase)}, kRecord)) << phase;
  EXPECT_FALSE(needs_copy({checkpoint_of("u-1", "Consumed")}, kRecord));
  EXPECT_FALSE(needs_copy({}, kRecord)) << "its Checkpoint was removed";
  EXPECT_FALSE(needs_copy({checkpoint_of("u-2", "Claimable")}, kRecord)) << "another pod's";
  EXPECT_FALSE(needs_copy({checkpoint_of("u-1", "Claimable", "other")}, kRecord));
}

TEST(RemoteCopies, AreRememberedAcrossTheEndOfTheAgent) {
  const sys::TestDirectory store;
  EXPECT_TRUE(CopyRecords(store.path()).all()->empty());
  ASSERT_TRUE(CopyRecords(store.path()).keep(kRecord));
  ASSERT_TRUE(CopyRecords(store.path()).keep(kRecord)) << "again";
  const CopyRecords other(store.path());
  const auto found = other.all();
  ASSERT_TRUE(found && found->size() == 1);
  EXPECT_EQ(found->front().remote, "depot");
  EXPECT_EQ(found->front().checkpoint, kRecord.checkpoint);
  EXPECT_EQ(found->front().name_space, "shop");
  EXPECT_EQ(found->front().pod_uid, "u-1");
  ASSERT_TRUE(other.drop(kRecord));
  EXPECT_TRUE(other.all()->empty());
  auto forged = kRecord;
  forged.remote = "../../etc";
  EXPECT_FALSE(other.keep(forged));
}

TEST(RemoteCopies, ARemoteIsTheNodesOwn) {
  config::Config config;
  EXPECT_EQ(open_node_remote(config, "depot").error().code(), base::ErrorCode::kNotFound);
  const sys::TestDirectory place;
  config.remotes.push_back({.name = "depot", .access = {.url = "file://" + place.path().string()}});
  EXPECT_TRUE(open_node_remote(config, "depot"));
}

}  // namespace
}  // namespace reprise::daemon
