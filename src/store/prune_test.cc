// SPDX-License-Identifier: Apache-2.0
#include "store/prune.h"

#include <gtest/gtest.h>

#include "store/open_catalog.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

class PruneTest : public StoreTest {
 protected:
  // As a stop, and the start that continued from it.
  CheckpointId stop(unsigned contents,
                    catalog::Catalog::Continue next = catalog::Catalog::Continue::kNo) {
    const CheckpointId id = put({{"pages-1.img", noise(1'000'000, contents)}});
    image::Manifest manifest = value_of(store_->manifest(id));
    manifest.trigger = image::Trigger::kStop;
    manifest.created = ++now_;
    EXPECT_TRUE(catalog_.add_checkpoint(manifest, "", next));
    return id;
  }
  std::vector<CheckpointId> in_catalog() {
    std::vector<CheckpointId> ids;
    for (const catalog::CheckpointRow& row : value_of(catalog_.checkpoints()))
      ids.push_back(row.id);
    std::ranges::sort(ids);
    return ids;
  }
  catalog::Decision prune_by(const catalog::Retention& policy, bool dry_run = false) {
    return value_of(prune(opened_, policy, {.dry_run = dry_run}));
  }

  Store opened_ = value_of(open(at(root_)));
  catalog::Catalog& catalog_ = opened_.catalog;
  base::UnixMillis now_ = 0;
};

TEST_F(PruneTest, RemovesFromCatalogAndStoreWhatIsNotKept) {
  const CheckpointId first = stop(1);
  const CheckpointId pinned = stop(2);
  ASSERT_TRUE(catalog_.set_pin(pinned, catalog::Catalog::Pin::kYes));
  const CheckpointId second = stop(3);
  const CheckpointId pending = stop(4, catalog::Catalog::Continue::kYes);
  const catalog::Decision dry = prune_by({}, true);
  EXPECT_EQ(dry.removals, (std::vector<catalog::Removal>{{first, catalog::Why::kSuperseded}}));
  EXPECT_EQ(in_catalog().size(), 4U) << "a dry run removed something";
  EXPECT_EQ(prune_by({}).removals, dry.removals);
  std::vector<CheckpointId> kept{pinned, second, pending};
  std::ranges::sort(kept);
  EXPECT_EQ(in_catalog(), kept);
  EXPECT_EQ(value_of(store_->list()), kept);
  EXPECT_TRUE(prune_by({}).removals.empty());
}

TEST_F(PruneTest, ContainersThatWereMadeAnewUnderOneNameAreCountedAsOne) {
  // Each of them would keep its newest one for ever.
  std::vector<CheckpointId> ids;
  for (unsigned i = 0; i < 3; ++i) {
    const CheckpointId id = put({{"pages-1.img", noise(100'000, i)}});
    image::Manifest manifest = value_of(store_->manifest(id));
    manifest.key = base::ContainerKey::parse("id-" + std::to_string(i)).value();
    manifest.name = "web";
    manifest.trigger = image::Trigger::kStop;
    manifest.created = ++now_;
    ASSERT_TRUE(catalog_.add_checkpoint(manifest, "", catalog::Catalog::Continue::kNo));
    ids.push_back(id);
  }
  const catalog::Decision decision =
      value_of(prune(opened_, {.keep_last = 1}, {.only = base::ContainerKey("id-2")}));
  EXPECT_EQ(decision.removals,
            (std::vector<catalog::Removal>{{ids[0], catalog::Why::kSuperseded},
                                           {ids[1], catalog::Why::kSuperseded}}));
  EXPECT_EQ(in_catalog(), std::vector{ids[2]});
}

TEST_F(PruneTest, TheStoreFitsAfterwards) {
  std::vector<CheckpointId> ids;
  for (unsigned i = 0; i < 6; ++i) ids.push_back(stop(i));
  // A file that the catalog does not know: its writer died, or is just about to add it.
  const CheckpointId stranger = put({{"pages-1.img", noise(1'000'000, 77)}});
  const catalog::Retention policy{.keep_last = 10, .max_bytes = 4'200'000};
  const catalog::Decision decision = prune_by(policy);
  EXPECT_TRUE(decision.fits);
  EXPECT_EQ(decision.removals, (std::vector<catalog::Removal>{{ids[0], catalog::Why::kTooLarge},
                                                              {ids[1], catalog::Why::kTooLarge},
                                                              {ids[2], catalog::Why::kTooLarge}}));
  ASSERT_TRUE(store_->collect(kPatience));
  const std::uint64_t taken = stored() + bytes_in(root_ / "checkpoints");
  EXPECT_EQ(taken, decision.bytes);
  EXPECT_TRUE(store_->verify(stranger));
  const catalog::Decision least = prune_by({.keep_last = 10, .max_bytes = 1});
  EXPECT_FALSE(least.fits);
  EXPECT_EQ(in_catalog(), std::vector{ids[5]});
}

TEST_F(PruneTest, WhatHasAWholeCopyMakesRoomFirst) {
  std::vector<CheckpointId> ids;
  for (unsigned i = 0; i < 4; ++i) ids.push_back(stop(i));
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = ids[1], .remote = "depot", .uploading = true}));
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = ids[2], .remote = "depot"}));
  const catalog::Decision decision = prune_by({.keep_last = 9, .max_bytes = 3'100'000});
  EXPECT_EQ(decision.removals, (std::vector<catalog::Removal>{{ids[2], catalog::Why::kTooLarge}}));
}

TEST_F(PruneTest, AStartThatTakesOneUpMeanwhileIsNotDisturbed) {
  const CheckpointId old = stop(1);
  stop(2);
  stop(3);
  const catalog::Decision dry = prune_by({}, true);
  ASSERT_EQ(dry.removals.size(), 2U);
  ASSERT_TRUE(catalog_.set_continuation(base::ContainerKey("web"), old));
  EXPECT_FALSE(value_of(catalog_.remove_unneeded(old)));
  EXPECT_EQ(prune_by({.keep_last = 0}).removals.size(), 2U);
  EXPECT_EQ(in_catalog(), std::vector{old});
  EXPECT_TRUE(store_->verify(old));
}

TEST_F(PruneTest, StoredSizeIsThatOfTheBlocks) {
  const CheckpointId first = stop(1);
  const std::uint64_t alone = value_of(store_->stored_bytes(first));
  EXPECT_GT(alone, 1'000'000U);
  EXPECT_LE(alone, stored());
  EXPECT_EQ(value_of(store_->stored_bytes(stop(1))), alone) << "shared, and all of it needed";
  EXPECT_EQ(store_->stored_bytes(CheckpointId("none")).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::store
