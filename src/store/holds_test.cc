// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints that are read from while somebody wants to remove them.
#include "store/holds.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "store/prune.h"
#include "store/test_store.h"
#include "sys/child.h"

namespace reprise::store {
namespace {

class HoldsTest : public StoreTest {
 protected:
  // A checkpoint of a stop that no container continues from.
  CheckpointId stop(unsigned contents) {
    const CheckpointId id = put({{"pages-1.img", noise(1'000'000, contents)}});
    image::Manifest manifest = value_of(store_->manifest(id));
    manifest.trigger = image::Trigger::kStop;
    manifest.created = ++now_;
    EXPECT_TRUE(opened_.catalog.add_checkpoint(manifest, "", catalog::Catalog::Continue::kNo));
    return id;
  }
  std::size_t pruned(const catalog::Retention& policy) {
    return value_of(prune(opened_, policy, {})).removals.size();
  }

  Store opened_ = value_of(open(at(root_)));
  base::UnixMillis now_ = 0;
};

TEST_F(HoldsTest, PruneLeavesWhatIsHeldAndItsDataHoweverOften) {
  const CheckpointId held = stop(1);
  stop(2);
  std::optional<sys::FileLock> first = value_of(store_->hold(held));
  std::optional<sys::FileLock> second = value_of(store_->hold(held));
  EXPECT_EQ(pruned({.keep_last = 0}), 1U);
  EXPECT_EQ(pruned({.keep_last = 0, .max_bytes = 1}), 0U);
  ASSERT_TRUE(store_->collect(kPatience));
  expect_holds(held, {{"pages-1.img", noise(1'000'000, 1)}});
  first.reset();
  EXPECT_EQ(pruned({.keep_last = 0}), 0U);
  second.reset();
  EXPECT_EQ(pruned({.keep_last = 0}), 1U);
  EXPECT_TRUE(entries(root_ / "holds").empty());
}

TEST_F(HoldsTest, WhoRemovesIsTold) {
  const CheckpointId id = stop(1);
  const sys::FileLock lock = value_of(store_->hold(id));
  const auto refused = store_->begin_removal(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(refused.error().message().contains(id.str())) << refused.error().message();
  EXPECT_FALSE(refused.error().hint().empty());
}

TEST_F(HoldsTest, NobodyHoldsWhatIsBeingRemovedOrGone) {
  const CheckpointId id = stop(1);
  {
    const RemovalLock lock = value_of(store_->begin_removal(id));
    EXPECT_EQ(store_->begin_removal(id).error().code(), ErrorCode::kBusy);
    ASSERT_TRUE(store_->remove(id));
  }
  EXPECT_EQ(store_->hold(id).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(store_->sweep());
  EXPECT_TRUE(entries(root_ / "holds").empty()) << "what a hold leaves is swept";
}

TEST_F(HoldsTest, AHoldLivesInWhoeverHasACopyAndEndsWithThem) {
  const CheckpointId id = stop(1);
  stop(2);
  std::optional<sys::FileLock> lock = value_of(store_->hold(id));
  sys::SpawnOptions options{.argv = {"/bin/sleep", "1000"}};
  options.fds = {{lock->fd().get(), 3}};
  sys::Child child = value_of(sys::Child::spawn(options));
  lock.reset();
  EXPECT_EQ(value_of(store_->held()), std::vector{id});
  EXPECT_EQ(pruned({.keep_last = 1}), 0U);
  ASSERT_TRUE(child.kill(SIGKILL));
  ASSERT_TRUE(child.wait());
  EXPECT_TRUE(value_of(store_->held()).empty());
  EXPECT_EQ(pruned({.keep_last = 1}), 1U);
}

// A compaction gives a checkpoint another file, which is held as well.
TEST_F(HoldsTest, ACompactionTakesNothingFromWhoReads) {
  const std::string kept = noise(400'000, 1);
  const CheckpointId fat = put({{"pages-1.img", kept}, {"pages-2.img", noise(4'000'000, 2)}});
  const CheckpointId id = put({{"pages-1.img", kept}});
  const sys::FileLock lock = value_of(store_->hold(id));
  const auto reader = value_of(store_->open(id));
  ASSERT_TRUE(store_->remove(fat));
  EXPECT_EQ(value_of(store_->compact(kPatience)).packs, 1U);
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 1U);
  EXPECT_EQ(store_->begin_removal(id).error().code(), ErrorCode::kBusy);
  std::string text(kept.size(), ' ');
  ASSERT_TRUE(reader->pages().read("pages-1.img", 0, std::as_writable_bytes(std::span(text))));
  EXPECT_TRUE(text == kept);
  expect_holds(id, {{"pages-1.img", kept}});  // whoever opens it now
}

}  // namespace
}  // namespace reprise::store
