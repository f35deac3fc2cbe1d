// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "store/checkpoint_store.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

class VerifyTest : public StoreTest {};

TEST_F(VerifyTest, EachBlockIsReadOnceAndEachDamageNamed) {
  const std::string shared = noise(1'500'000);
  const CheckpointId first = put({{"pages-1.img", shared}});
  const std::string pack = path(entries(packs()).front()).stem();
  const CheckpointId second = put({{"pages-1.img", shared + noise(900'000, 2)}});
  const CheckpointId third = put({{"pages-1.img", noise(500'000, 3)}});
  const CheckpointId unreadable = put({{"pages-1.img", noise(100'000, 4)}});
  std::vector<std::uint64_t> progress;
  Verified verified = value_of(store_->verify_all([&](const auto&, auto done, auto all) {
    EXPECT_EQ(all, 4U);
    progress.push_back(done);
  }));
  EXPECT_EQ(progress, (std::vector<std::uint64_t>{0, 1, 2, 3}));
  EXPECT_TRUE(verified.damages.empty());
  EXPECT_EQ(verified.checkpoints, 4U);
  EXPECT_LE(verified.bytes, stored());
  EXPECT_GT(verified.bytes, stored() - 1000) << "all of it, and nothing twice";

  std::string bytes = read(packs() / (pack + ".pack"));
  for (const std::size_t at : {std::size_t{5000}, bytes.size() - 5000}) bytes[at] ^= 4;
  write(packs() / (pack + ".pack"), bytes);
  write(root_ / "checkpoints" / unreadable.str(), "{}\n");
  verified = value_of(store_->verify_all({}));
  std::map<CheckpointId, Damage> damages;
  for (const Damage& damage : verified.damages) damages[damage.checkpoint] = damage;
  ASSERT_EQ(damages.size(), 3U);
  EXPECT_EQ(damages[first].pack, pack);
  EXPECT_EQ(damages[second].pack, pack);
  EXPECT_TRUE(damages[first].what.contains(pack)) << damages[first].what;
  EXPECT_TRUE(damages[first].what.contains("1 more blocks")) << damages[first].what;
  EXPECT_EQ(damages[unreadable].pack, "");
  EXPECT_FALSE(damages.contains(third));

  fs::remove(packs() / (pack + ".pack"));
  verified = value_of(store_->verify_all({}));
  EXPECT_EQ(verified.damages.size(), 3U);
  EXPECT_TRUE(verified.damages.front().what.contains("missing") ||
              verified.damages.back().what.contains("missing"));
}

}  // namespace
}  // namespace reprise::store
