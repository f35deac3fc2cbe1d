// SPDX-License-Identifier: Apache-2.0
//
// Removing, pruning, freeing, verifying and repairing, in a store of this process.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "operations/internal/fake_podman.h"
#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/store/garbage.h"
#include "operations/store/prune.h"
#include "operations/store/removal.h"
#include "operations/store/repair.h"
#include "operations/store/tag.h"
#include "operations/store/verification.h"
#include "operations/transfer/transfer.h"

namespace reprise::operations {
namespace {

using base::CheckpointId;
using base::ErrorCode;
using catalog::Catalog;

std::vector<CheckpointId> ids_of(const Pruned& pruned) {
  std::vector<CheckpointId> ids;
  for (const catalog::Removal& removal : pruned.decision.removals) ids.push_back(removal.id);
  return ids;
}

class Housekeeping : public testing::Test {
 protected:
  void push_all(const std::vector<CheckpointId>& ids) {
    for (const CheckpointId& id : ids) {
      const auto pushed = push(here_.node, id.str(), "depot", progress_);
      ASSERT_TRUE(pushed) << pushed.error().details();
    }
  }
  std::size_t checkpoints() const { return here_.catalog().checkpoints()->size(); }

  sys::TestDirectory between_;
  TestNode here_{between_ / "depot"};
  FakePodman podman_;
  TestProgress progress_;
};

TEST_F(Housekeeping, ATagIsGivenOnce) {
  const CheckpointId first = here_.put("memory", "first");
  Catalog catalog = here_.catalog();
  EXPECT_TRUE(check_new_tag(catalog, ""));
  EXPECT_TRUE(check_new_tag(catalog, "other"));
  const auto again = check_new_tag(catalog, "first");
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().message().contains(first.str())) << again.error().message();
  EXPECT_EQ(check_new_tag(catalog, "a/b").error().code(), ErrorCode::kInvalidInput);
}

TEST_F(Housekeeping, PruneKeepsTheNewestAndWhatIsPinned) {
  podman_.answer("ps", "");
  const CheckpointId pinned = here_.put("pinned");
  const CheckpointId old = here_.put("old");
  const CheckpointId newest = here_.put("newest");
  ASSERT_TRUE(here_.catalog().set_pin(pinned, Catalog::Pin::kYes));
  const auto would = prune(here_.node, {.wanted = {}, .dry_run = true}, progress_);
  ASSERT_TRUE(would) << would.error().details();
  EXPECT_EQ(ids_of(*would), std::vector{old});
  EXPECT_EQ(checkpoints(), 3U) << "nothing goes in a dry run";
  EXPECT_EQ(podman_.calls(), "") << "nor is Podman asked";
  const auto done = prune(here_.node, {}, progress_);
  ASSERT_TRUE(done) << done.error().details();
  EXPECT_EQ(ids_of(*done), std::vector{old});
  EXPECT_TRUE(done->decision.fits);
  EXPECT_EQ(done->freed.packs, 1U);
  EXPECT_FALSE(here_.catalog().find_checkpoint(old.str()));
  EXPECT_TRUE(here_.catalog().find_checkpoint(newest.str()));
  EXPECT_TRUE(progress_.told.empty());
}

// One that waits for a container that is gone would be kept for ever.
TEST_F(Housekeeping, PruneLetsGoWhatWaitsForContainersThatAreGone) {
  const base::ContainerKey key = base::ContainerKey::parse(std::string(64, 'a')).value();
  const CheckpointId waits = here_.put("waits", "", key);
  here_.put("newer", "", key);
  ASSERT_TRUE(here_.catalog().set_continuation(key, waits));
  podman_.answer("ps", "echo 'Error: cannot connect' >&2; exit 125");
  EXPECT_TRUE(ids_of(*prune(here_.node, {}, progress_)).empty()) << "unknown is not gone";
  ASSERT_EQ(progress_.told.size(), 1U);
  EXPECT_EQ(progress_.told[0],
            "warning those of containers that are gone stay: podman: cannot connect");
  podman_.answer("ps", "");
  EXPECT_EQ(ids_of(*prune(here_.node, {}, progress_)), std::vector{waits});
  EXPECT_FALSE(*here_.catalog().continuation(key));
}

TEST_F(Housekeeping, PruneAtARemoteLeavesTheStoreHereAndAMaximumAlone) {
  const CheckpointId tagged = here_.put("tagged", "kept");
  const CheckpointId old = here_.put("old");
  const CheckpointId newest = here_.put("newest");
  push_all({tagged, old, newest});
  here_.node.config.retention.max_size = 1;
  const auto pruned = prune_remote(here_.node, "depot", {});
  ASSERT_TRUE(pruned) << pruned.error().details();
  EXPECT_EQ(ids_of(*pruned), std::vector{old});
  EXPECT_EQ(pruned->remote, "depot");
  EXPECT_FALSE(here_.is_in_depot(old));
  EXPECT_TRUE(here_.is_in_depot(tagged));
  EXPECT_EQ(checkpoints(), 3U);
  const auto refused = prune_remote(here_.node, "depot", {.wanted = {.max_size = 1}});
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
}

TEST_F(Housekeeping, WhatIsRemovedHereStaysThere) {
  const CheckpointId id = here_.put(std::string(100'000, 'x'), "safe");
  push_all({id});
  auto removal = Removal::begin(here_.node);
  ASSERT_TRUE(removal) << removal.error().details();
  EXPECT_EQ(removal->remove("nowhere").error().code(), ErrorCode::kNotFound);
  const auto gone = removal->remove("safe");
  ASSERT_TRUE(gone) << gone.error().details();
  EXPECT_EQ(gone->id, id);
  EXPECT_EQ(removal->free_space()->packs, 1U);
  EXPECT_EQ(checkpoints(), 0U);
  EXPECT_TRUE(here_.is_in_depot(id));
}

TEST_F(Housekeeping, WhatIsRemovedThereIsNotUploadedAgain) {
  const CheckpointId id = here_.put("one", "safe");
  push_all({id});
  auto removal = RemoteRemoval::begin(here_.node, "depot");
  ASSERT_TRUE(removal) << removal.error().details();
  const auto removed = removal->remove("safe");
  ASSERT_TRUE(removed) << removed.error().details();
  EXPECT_EQ(removed->id, id);
  EXPECT_TRUE(removed->was_there);
  EXPECT_TRUE(removed->stays_away) << "'depot' gets checkpoints on its own";
  EXPECT_FALSE(here_.is_in_depot(id));
  EXPECT_FALSE(removal->remove("safe")->was_there);
  EXPECT_TRUE(here_.catalog().lacking_copies("depot")->empty());
  EXPECT_EQ(RemoteRemoval::begin(here_.node, "").error().code(), ErrorCode::kInvalidInput);
}

TEST_F(Housekeeping, GarbageIsFreedHereAndThere) {
  const CheckpointId id = here_.put(std::string(100'000, 'x'));
  push_all({id});
  ASSERT_TRUE(here_.catalog().remove_checkpoint(id));
  ASSERT_TRUE((*store::open_store(here_.node.store))->remove(id));
  ASSERT_TRUE(RemoteRemoval::begin(here_.node, "depot")->remove(id.str()));
  const auto freed = free_garbage(here_.node, Compaction::kFirst);
  ASSERT_TRUE(freed) << freed.error().details();
  EXPECT_EQ(freed->compacted->packs, 0U);
  EXPECT_EQ(freed->collected->packs, 1U);
  EXPECT_FALSE(free_garbage(here_.node, Compaction::kNone)->compacted);
  EXPECT_EQ(free_remote_garbage(here_.node, "depot", {})->young, 1U);
  using std::chrono::milliseconds;
  EXPECT_EQ(free_remote_garbage(here_.node, "depot", {.grace = milliseconds(0)})->packs, 1U);
}

TEST_F(Housekeeping, LookingForGarbageMakesNoStore) {
  EXPECT_EQ(free_garbage(here_.node, Compaction::kFirst).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(here_.node.store.root));
}

TEST_F(Housekeeping, DamageIsNamedAndTheCatalogMadeAnew) {
  const CheckpointId id = here_.put("one", "safe");
  EXPECT_EQ(verify_checkpoint(here_.node, "safe")->id, id);
  const auto intact = verify_store(here_.node, progress_);
  ASSERT_TRUE(intact) << intact.error().details();
  EXPECT_TRUE(intact->damages.empty());
  EXPECT_EQ(progress_.told.front(), "begin verifying");
  EXPECT_EQ(progress_.told.back(), "end");
  {
    std::fstream file(here_.node.store.root / "catalog.db",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096) << std::string(8192, 'x');
  }
  const auto damaged = verify_store(here_.node, progress_);
  ASSERT_EQ(damaged->damages.size(), 1U);
  EXPECT_TRUE(damaged->damages[0].what.contains("catalog is damaged"));

  auto repair = Repair::begin(here_.node);
  ASSERT_TRUE(repair) << repair.error().details();
  EXPECT_EQ(repair->rebuild_index()->pages, 1U);
  ASSERT_TRUE(repair->catalog_damage());
  EXPECT_TRUE(std::filesystem::exists(repair->replace_catalog()->damaged));
  const auto repaired = repair->repair_catalog();
  ASSERT_TRUE(repaired) << repaired.error().details();
  EXPECT_EQ(repaired->added, std::vector{id});
  EXPECT_TRUE(verify_store(here_.node, progress_)->damages.empty());
}

TEST_F(Housekeeping, WhatCatalogAndStoreDoNotBothHaveIsDamage) {
  const CheckpointId id = here_.put("one");
  std::filesystem::remove(here_.node.store.root / "checkpoints" / id.str());
  const auto verified = verify_store(here_.node, progress_);
  ASSERT_EQ(verified->damages.size(), 1U);
  EXPECT_EQ(verified->damages[0].checkpoint, id);
  EXPECT_EQ(verified->damages[0].what, "its file is missing in the store");
}

}  // namespace
}  // namespace reprise::operations
