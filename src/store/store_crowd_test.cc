// SPDX-License-Identifier: Apache-2.0
//
// Two hundred writers and readers at once, with gc, compaction and rotation of the key going on.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "store/checkpoint_store.h"
#include "store/key_source.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

constexpr unsigned kWriters = 100;
constexpr unsigned kReaders = 100;

// Half of it is what a fifth of the others have as well.
std::string memory_of(unsigned seed) { return noise(8192, seed % 5) + noise(8192, 1000 + seed); }

class CrowdTest : public StoreTest {
 protected:
  // 0, or at which step it failed.
  int write_one(unsigned seed) const {
    auto store = open_store(at(root_));
    if (!store) return 1;
    auto writer = (*store)->begin({.in_files = 16384});
    if (!writer) return 2;
    write((*writer)->pages().spool() / "pages-1.img", memory_of(seed));
    if (!(*writer)->pages().absorb()) return 3;
    image::Manifest manifest = facts();
    manifest.name = std::to_string(seed);
    if (!(*writer)->seal(manifest) || !(*writer)->settle()) return 4;
    const CheckpointId id = (*writer)->id();
    writer->reset();
    if (const int failed = read_one(**store, id); failed != 0) return failed;
    return seed % 3 != 0 || (*store)->remove(id) ? 0 : 5;
  }
  static int read_one(CheckpointStore& store, const CheckpointId& id) {
    auto reader = store.open(id);
    if (!reader) return reader.error().code() == ErrorCode::kNotFound ? 0 : 10;
    const auto seed = static_cast<unsigned>(std::stoul((*reader)->manifest().name));
    const auto spool = (*reader)->pages().materialize();
    if (!spool) return 11;
    return read(*spool / "pages-1.img") == memory_of(seed) ? 0 : 12;
  }
  int read_some(unsigned seed) const {
    auto store = open_store(at(root_));
    if (!store) return 1;
    for (unsigned round = 0; round < 2; ++round) {
      const auto ids = (*store)->list();
      if (!ids) return 2;
      if (ids->empty()) continue;
      if (const int failed = read_one(**store, (*ids)[(seed + round) % ids->size()]); failed != 0)
        return failed;
    }
    return 0;
  }
  int rotate(int times) const {
    for (int i = 0; i < times; ++i)
      if (!rotate_key(at(root_), std::nullopt)) return 1;
    return 0;
  }
};

TEST_F(CrowdTest, AllContentsAreRightAfterwards) {
  sys::Children children;
  const auto start = [&](const std::function<int()>& body) {
    children.start([&] {
      children.wait_for_gate();
      return body();
    });
  };
  for (unsigned i = 0; i < kWriters; ++i) start([&, i] { return write_one(i); });
  for (unsigned i = 0; i < kReaders; ++i) start([&, i] { return read_some(i); });
  start([&] { return rotate(5); });
  start([&] {
    const auto store = open_store(at(root_));
    if (!store) return 1;
    for (int round = 0; round < 4; ++round)
      if (!(*store)->compact(kPatience) || !(*store)->collect(kPatience) || !(*store)->sweep())
        return 2;
    return 0;
  });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(kWriters + kReaders + 2, 0));

  store_ = value_of(open_store(at(root_)));
  EXPECT_EQ(value_of(store_->sweep()), 0);
  const auto ids = value_of(store_->list());
  EXPECT_EQ(ids.size(), kWriters - (kWriters + 2) / 3);
  ASSERT_TRUE(store_->compact(kPatience));
  ASSERT_TRUE(store_->collect(kPatience));
  EXPECT_TRUE(value_of(store_->verify_all({})).damages.empty());
  for (const CheckpointId& id : ids) EXPECT_EQ(read_one(*store_, id), 0) << id.str();
}

}  // namespace
}  // namespace reprise::store
