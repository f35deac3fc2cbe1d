// SPDX-License-Identifier: Apache-2.0
//
// Packs of which little is needed are rewritten, and nothing is lost by it.
#include <gtest/gtest.h>

#include <csignal>

#include "store/checkpoint_store.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;  // a block

class CompactTest : public StoreTest {
 protected:
  // Two checkpoints that share the beginning of a large one, which is removed: their own pages are
  // small, and of its pack 2 of 8 MiB are needed.
  void SetUp() override {
    large_ = noise(8 * kMega);
    const CheckpointId large = put({{"pages-1.img", large_}});
    for (unsigned i = 0; i < 2; ++i) {
      memory_.push_back(large_.substr(0, 2 * kMega) + noise(10 * 4096, 100 + i));
      ids_.push_back(put({{"pages-1.img", memory_.back()}}));
    }
    EXPECT_TRUE(store_->remove(large));
    EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 0U);
    EXPECT_GT(stored(), 8 * kMega);
  }
  void expect_all() {
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      expect_holds(ids_[i], {{"pages-1.img", memory_[i]}});
      EXPECT_TRUE(store_->verify(ids_[i]));
    }
  }

  std::string large_;
  std::vector<std::string> memory_;
  std::vector<CheckpointId> ids_;
};

TEST_F(CompactTest, WhatIsNeededIsMovedAndTheRestBecomesFree) {
  const Compacted compacted = value_of(store_->compact(kPatience));
  EXPECT_EQ(compacted.packs, 1U);
  EXPECT_EQ(compacted.checkpoints, 2U);
  EXPECT_GT(compacted.bytes, 2 * kMega);
  EXPECT_LT(compacted.bytes, 2 * kMega + 20'000);
  expect_all();
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 1U);
  EXPECT_LT(stored(), 2 * kMega + 120'000);
  expect_all();
  // The index knows where they are now.
  const std::uint64_t before = stored();
  memory_.push_back(large_.substr(0, 2 * kMega));
  ids_.push_back(put({{"pages-1.img", memory_.back()}}));
  EXPECT_EQ(stored(), before);
  EXPECT_EQ(value_of(store_->compact(kPatience)).packs, 0U) << "a second time";
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 0U);
  expect_all();
}

TEST_F(CompactTest, APackThatIsHalfNeededByAllTogetherStays) {
  // Each of these needs less than half, and both together need more.
  const std::string rest = noise(8 * kMega, 7);
  const CheckpointId whole = put({{"pages-1.img", rest}});
  for (const std::size_t at : {std::size_t{0}, 4 * kMega}) {
    memory_.push_back(rest.substr(at, 3 * kMega));
    ids_.push_back(put({{"pages-1.img", memory_.back()}}));
  }
  ASSERT_TRUE(store_->remove(whole));
  EXPECT_EQ(value_of(store_->compact(kPatience)).packs, 1U) << "only that of SetUp()";
  expect_all();
}

TEST_F(CompactTest, AReaderThatOpenedBeforeReadsToTheEnd) {
  auto reader = value_of(store_->open(ids_[0]));
  ASSERT_TRUE(store_->compact(kPatience));
  // It holds gc up like any session; its packs go all the same when it has ended.
  auto patient = store_->collect(std::chrono::milliseconds(100));
  ASSERT_TRUE(patient);
  const path spool = value_of(reader->pages().materialize());
  EXPECT_TRUE(read(spool / "pages-1.img") == memory_[0]);
  reader.reset();
  ASSERT_TRUE(store_->collect(kPatience));
  EXPECT_LT(stored(), 3 * kMega);
  expect_all();
}

TEST_F(CompactTest, AWriterThatFoundPagesBeforeKeepsTheirPack) {
  auto writer = value_of(store_->begin({}));
  memory_.push_back(large_.substr(0, 2 * kMega));
  write(writer->pages().spool() / "pages-1.img", memory_.back());
  ASSERT_TRUE(writer->pages().absorb());  // refers to the old pack
  ASSERT_TRUE(store_->compact(kPatience));
  EXPECT_EQ(value_of(store_->collect(std::chrono::milliseconds(100))).waiting, 1U);
  ids_.push_back(value_of(writer->seal(facts())).id);
  writer.reset();
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 0U) << "pardoned";
  expect_all();
  // The next one moves what it needs.
  EXPECT_EQ(value_of(store_->compact(kPatience)).checkpoints, 1U);
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 1U);
  expect_all();
}

TEST_F(CompactTest, ARemovedCheckpointDoesNotComeBack) {
  ASSERT_TRUE(store_->remove(ids_[1]));
  ids_.pop_back();
  ASSERT_TRUE(store_->compact(kPatience));
  EXPECT_EQ(value_of(store_->list()), ids_);
  EXPECT_TRUE(entries(root_ / "staging").empty());
  expect_all();
}

TEST_F(CompactTest, KilledOrFailedAtAnyStepItLosesNothingAndIsRepeated) {
  for (const char* action : {"kill", "fail"})
    for (const char* point :
         {"compact-moved", "compact-condemned", "compact-resealed", "compact-indexed"}) {
      SCOPED_TRACE(std::string(point) + ":" + action);
      root_ = directory_.path() / (std::string(point) + action);
      store_ = value_of(open_store(at(root_)));
      ids_.clear();
      memory_.clear();
      SetUp();
      sys::Children children;
      children.start([&] {
        ::setenv("REPRISE_FAULT", (std::string(point) + ":" + action).c_str(), 1);
        return open_store(at(root_)).value()->compact(kPatience) ? 1 : 2;
      });
      EXPECT_EQ(children.wait_for_all(), std::vector<int>{action == std::string("kill") ? -1 : 2});
      expect_all();
      ASSERT_TRUE(store_->sweep());
      EXPECT_TRUE(entries(root_ / "staging").empty());
      ASSERT_TRUE(store_->collect(kPatience));
      expect_all();
      ASSERT_TRUE(store_->compact(kPatience));
      ASSERT_TRUE(store_->collect(kPatience));
      // Also where it was cut off between the two: what both need is there once.
      EXPECT_LT(stored(), 2 * kMega + 120'000);
      expect_all();
    }
}

TEST_F(CompactTest, ADamagedCopyOfACutOffOneIsNotCountedOn) {
  const std::vector<std::string> before = entries(packs());
  sys::Children children;
  children.start([&] {
    ::setenv("REPRISE_FAULT", "compact-resealed:kill", 1);
    return open_store(at(root_)).value()->compact(kPatience) ? 1 : 2;
  });
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{-1});
  path copy;
  for (const std::string& name : entries(packs()))
    if (std::ranges::find(before, name) == before.end()) copy = packs() / name;
  std::string bytes = read(copy);
  bytes[500'000] ^= 1;
  write(copy, bytes);
  ASSERT_TRUE(store_->sweep());
  ASSERT_TRUE(store_->collect(kPatience));
  ASSERT_TRUE(store_->compact(kPatience));
  ASSERT_TRUE(store_->collect(kPatience));
  // One of them was moved already, and has what is damaged; the other one is unharmed.
  EXPECT_NE(store_->verify(ids_[0]).has_value(), store_->verify(ids_[1]).has_value());
}

TEST_F(CompactTest, ALimitIsKeptAndTheSparsestGoFirst) {
  // A second pack, of which 3 of 8 MiB are needed; that of SetUp() goes first.
  const std::string rest = noise(8 * kMega, 7);
  const CheckpointId whole = put({{"pages-1.img", rest}});
  memory_.push_back(rest.substr(0, 3 * kMega));
  ids_.push_back(put({{"pages-1.img", memory_.back()}}));
  ASSERT_TRUE(store_->remove(whole));
  const Compacted first = value_of(store_->compact(kPatience, 4 * kMega));
  EXPECT_EQ(first.packs, 1U);
  EXPECT_LT(first.bytes, 2 * kMega + 20'000);
  EXPECT_EQ(value_of(store_->compact(kPatience, 1)).packs, 1U) << "one always, or it never ends";
  EXPECT_EQ(value_of(store_->compact(kPatience, 1)).packs, 0U);
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 2U);
  expect_all();
}

TEST_F(CompactTest, ADamagedPackIsNamedAndLeftAsItIs) {
  path pack;
  for (const auto& entry : fs::directory_iterator(packs()))
    if (entry.file_size() > 8 * kMega) pack = entry.path();
  std::string bytes = read(pack);
  bytes[100'000] ^= 1;
  write(pack, bytes);
  const Compacted compacted = value_of(store_->compact(kPatience));
  EXPECT_EQ(compacted.packs, 0U);
  EXPECT_EQ(compacted.damaged, std::vector{pack.stem().string()});
  EXPECT_FALSE(store_->verify(ids_[0]));
  bytes[100'000] ^= 1;
  write(pack, bytes);
  expect_all();
}

TEST_F(CompactTest, WritersAndReadersGoOnMeanwhile) {
  sys::Children children;
  for (unsigned i = 0; i < 3; ++i)
    children.start([&, i] {
      children.wait_for_gate();
      auto store = open_store(at(root_)).value();
      for (unsigned round = 0; round < 8; ++round) {
        const std::string memory = noise(4 * kMega, 500 + round);
        std::vector<CheckpointId> mine;
        for (const std::string& part : {memory, memory.substr(round % 4 * kMega, kMega)}) {
          auto writer = store->begin({});
          if (!writer) return 1;
          write((*writer)->pages().spool() / "pages-1.img", part);
          if (!(*writer)->pages().absorb() || !(*writer)->seal(facts())) return 2;
          if (!(*writer)->settle()) return 3;
          mine.push_back((*writer)->id());
        }
        if (!store->remove(mine.front())) return 4;
        auto reader = store->open(mine.back());
        if (!reader) return 5;
        const auto spool = (*reader)->pages().materialize();
        if (!spool || read(*spool / "pages-1.img") != memory.substr(round % 4 * kMega, kMega))
          return 6;
        if (i == round % 3 && !store->remove(mine.back())) return 7;
      }
      return 0;
    });
  children.start([&] {
    children.wait_for_gate();
    auto store = open_store(at(root_)).value();
    for (int round = 0; round < 8; ++round)
      if (!store->compact(kPatience) || !store->collect(kPatience)) return 8;
    return 0;
  });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(4, 0));
  EXPECT_TRUE(value_of(store_->verify_all({})).damages.empty());
  expect_all();
  ASSERT_TRUE(store_->compact(kPatience));
  ASSERT_TRUE(store_->collect(kPatience));
  EXPECT_TRUE(value_of(store_->verify_all({})).damages.empty());
  expect_all();
}

}  // namespace
}  // namespace reprise::store
