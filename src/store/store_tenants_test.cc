// SPDX-License-Identifier: Apache-2.0
//
// Two tenants in one store: neither can read what the other has, nor find out what that is.
#include <gtest/gtest.h>

#include "store/open_store.h"
#include "store/store_config.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

class TenantsTest : public StoreTest {
 protected:
  std::shared_ptr<const OpenStore> open_as(const std::string& tenant) {
    StoreConfig config = at(root_);
    config.tenant = tenant;
    return value_of(open_parts(config));
  }
  CheckpointId put_as(const std::shared_ptr<const OpenStore>& store, const std::string& memory) {
    auto writer = value_of(begin_checkpoint(store, {}));
    write(writer->pages().spool() / "pages-1.img", memory);
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal(facts()));
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }
};

TEST_F(TenantsTest, OneCannotReadOrProbeWhatTheOtherHas) {
  const auto first = open_as("first");
  const auto second = open_as("second");
  const std::string memory = noise(300 * 4096);
  const CheckpointId theirs = put_as(first, memory);
  const std::uint64_t before = stored();

  const auto opened = open_checkpoint(second, theirs);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kDenied) << opened.error().message();

  // Equal pages are not found: who stores them learns nothing about who has them.
  const std::span<const std::byte> page = std::as_bytes(std::span(memory)).first(4096);
  EXPECT_NE(first->keys.pages.of(page), second->keys.pages.of(page));
  const CheckpointId ours = put_as(second, memory);
  EXPECT_GT(stored(), 2 * before - 4096);
  EXPECT_EQ(open_checkpoint(first, ours).error().code(), ErrorCode::kDenied);

  // Not even with the other's blocks in a checkpoint of one's own.
  pages::Contents stolen = value_of(load_contents(*first, theirs));
  stolen.manifest.id = CheckpointId("stolen");
  write(root_ / "checkpoints" / "stolen", value_of(pages::seal_contents(second->keys, stolen)));
  auto reader = open_checkpoint(second, CheckpointId("stolen"));
  const bool read = reader && (*reader)->pages().materialize();
  EXPECT_FALSE(read);
}

// A daemon serves several namespaces, each with its key, whose stores may lie in several places.
TEST_F(TenantsTest, StoresTenantsAndKeysWorkSideBySideInOneProcess) {
  using Kind = crypto::KeySource::Kind;
  const auto file = [this](const char* name) { return (directory_.path() / name).string(); };
  const StoreConfig configs[] = {
      {.root = directory_.path() / "a", .key = {.kind = Kind::kFile, .value = file("key-1")}},
      {.root = directory_.path() / "b", .key = {.kind = Kind::kFile, .value = file("key-2")}},
      {.root = directory_.path() / "b",
       .key = {.kind = Kind::kFile, .value = file("key-2")},
       .tenant = "other"}};
  const std::string memory = noise(100 * 4096);
  std::vector<std::shared_ptr<const OpenStore>> stores;
  std::vector<CheckpointId> ids;
  for (const StoreConfig& config : configs) stores.push_back(value_of(open_parts(config)));
  for (const auto& store : stores) ids.push_back(put_as(store, memory));
  for (std::size_t i = 0; i < std::size(configs); ++i) {
    const auto again = value_of(open_parts(configs[i]));
    auto reader = value_of(open_checkpoint(again, ids[i]));
    EXPECT_TRUE(reader->pages().materialize());
  }
  // Neither the other tenant's, nor with the other store's key.
  EXPECT_FALSE(open_checkpoint(stores[1], ids[2]));
  StoreConfig wrong = configs[0];
  wrong.key = configs[1].key;
  EXPECT_EQ(open_parts(wrong).error().code(), ErrorCode::kDenied);
}

}  // namespace
}  // namespace reprise::store
