// SPDX-License-Identifier: Apache-2.0
#include "store/waste.h"

#include <gtest/gtest.h>

#include <csignal>

#include "store/open_catalog.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

constexpr std::uint64_t kMega = 1 << 20;

CheckpointNeeds checkpoint(const std::string& id, std::vector<pages::PackNeed> packs) {
  return {.id = CheckpointId::parse(id).value(), .packs = std::move(packs)};
}

// 1000 MB in packs of 100.
StoreNeeds ten_packs() {
  StoreNeeds needs;
  for (char pack = 'a'; pack <= 'j'; ++pack)
    needs.pack_bytes.emplace(std::string(1, pack), 100 * kMega);
  return needs;
}

TEST(Waste, OfPacksThatNobodyNeedsAndOfThoseThatHardlyAre) {
  StoreNeeds needs = ten_packs();
  needs.checkpoints = {checkpoint("1", {{"a", 100 * kMega}, {"b", 50 * kMega}, {"c", 20 * kMega}})};
  const Waste waste = waste_of(needs, {});
  EXPECT_EQ(waste.all, 1000 * kMega);
  EXPECT_EQ(waste.unneeded, 700 * kMega);
  EXPECT_EQ(waste.sparse, 80 * kMega) << "a pack of which half is needed is not rewritten";
}

TEST(Waste, CheckpointsOfOneContainerNeedTheSameOfAPackAndThoseOfOthersSomethingElse) {
  StoreNeeds needs = ten_packs();
  needs.checkpoints = {checkpoint("1", {{"a", 30 * kMega}}), checkpoint("2", {{"a", 25 * kMega}}),
                       checkpoint("3", {{"a", 28 * kMega}})};
  EXPECT_EQ(waste_of(needs, {{"1", "web"}, {"2", "web"}, {"3", "web"}}).sparse, 70 * kMega);
  EXPECT_EQ(waste_of(needs, {{"1", "web"}, {"2", "db"}, {"3", "web"}}).sparse, 0U) << "30 + 25";
  EXPECT_EQ(waste_of(needs, {{"1", "web"}, {"3", "web"}}).sparse, 0U) << "a stranger";
}

TEST(Waste, IsReducedWhereMuchBecomesFree) {
  EXPECT_FALSE(is_worth_compacting({}));
  EXPECT_TRUE(is_worth_compacting({.all = 256 * kMega, .sparse = 64 * kMega}));
  EXPECT_FALSE(is_worth_compacting({.all = 256 * kMega, .sparse = 64 * kMega - 1}));
  EXPECT_TRUE(is_worth_compacting({.all = 4000 * kMega, .sparse = 1000 * kMega}));
  EXPECT_FALSE(is_worth_compacting({.all = 4000 * kMega, .sparse = 999 * kMega}));
  EXPECT_FALSE(is_worth_compacting({.all = 100 * kMega, .unneeded = 100 * kMega}));
  // To remove what nobody needs costs nothing, however little of the whole it is.
  EXPECT_TRUE(is_worth_collecting({.all = 4000 * kMega, .unneeded = 64 * kMega}));
  EXPECT_FALSE(is_worth_collecting({.all = 4000 * kMega, .unneeded = 64 * kMega - 1}));
}

class ReduceWasteTest : public StoreTest {
 protected:
  // As a stop that supersedes the one before.
  CheckpointId stop(const std::string& memory) {
    const CheckpointId id = put({{"pages-1.img", memory}});
    image::Manifest manifest = value_of(store_->manifest(id));
    manifest.trigger = image::Trigger::kStop;
    EXPECT_TRUE(catalog_.add_checkpoint(manifest, "", catalog::Catalog::Continue::kNo));
    return id;
  }
  void remove(const CheckpointId& id) {
    EXPECT_TRUE(catalog_.remove_checkpoint(id));
    EXPECT_TRUE(store_->remove(id));
  }

  Store opened_ = value_of(open(at(root_)));
  catalog::Catalog& catalog_ = opened_.catalog;
};

TEST_F(ReduceWasteTest, OfAContainerThatRewritesItsMemoryLittleStays) {
  // 120 MiB, of which 16 stay as they are.
  const std::string steady = noise(16 * kMega, 1);
  const CheckpointId first = stop(steady + noise(104 * kMega, 2));
  const std::string memory = steady + noise(4 * kMega, 3);
  const CheckpointId second = stop(memory);
  remove(first);
  ASSERT_EQ(value_of(store_->collect(kPatience)).packs, 0U);
  ASSERT_GT(stored(), 120 * kMega);
  ASSERT_TRUE(reduce_waste(opened_, kPatience));
  EXPECT_LT(stored(), 21 * kMega);
  expect_holds(second, {{"pages-1.img", memory}});
  const std::vector<std::string> packs_then = entries(packs());
  ASSERT_TRUE(reduce_waste(opened_, kPatience));
  EXPECT_EQ(entries(packs()), packs_then);
}

TEST_F(ReduceWasteTest, WhatIsNotWorthItIsLeft) {
  const CheckpointId first = stop(noise(8 * kMega, 1));
  stop(noise(8 * kMega, 1).substr(0, kMega));
  remove(first);
  const std::uint64_t before = stored();
  ASSERT_TRUE(reduce_waste(opened_, kPatience));
  EXPECT_EQ(stored(), before);
}

TEST_F(ReduceWasteTest, WhatASessionLeftBecauseOfItIsFreed) {
  const CheckpointId first = stop(noise(100 * kMega, 1));
  stop(noise(8 * kMega, 1));
  const CheckpointId other = stop(noise(3 * kMega, 9));
  remove(first);
  // It stands while it compacts; a session ends then, which finds the gc locked.
  sys::Children children;
  const pid_t reducing = children.start([&] {
    ::setenv("REPRISE_FAULT", "compact-indexed:stop", 1);
    auto store = open(at(root_));
    return store && reduce_waste(*store, kPatience) ? 0 : 1;
  });
  int status = 0;
  ASSERT_EQ(::waitpid(reducing, &status, WUNTRACED), reducing);
  EXPECT_TRUE(WIFSTOPPED(status));
  remove(other);
  const auto collected = store_->collect(std::chrono::milliseconds(0));
  EXPECT_FALSE(collected);
  // Nor does it keep the next session from its checkpoint.
  const CheckpointId next = put({{"pages-1.img", noise(kMega, 5)}});
  ::kill(reducing, SIGCONT);
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{0});
  EXPECT_LT(stored(), 10 * kMega);
  expect_holds(next, {{"pages-1.img", noise(kMega, 5)}});
}

}  // namespace
}  // namespace reprise::store
