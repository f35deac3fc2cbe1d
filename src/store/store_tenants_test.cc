// SPDX-License-Identifier: Apache-2.0
//
// Two tenants in one store: neither can read what the other has, nor find out what that is.
#include <gtest/gtest.h>

#include <optional>

#include "store/key_source.h"
#include "store/open_store.h"
#include "store/store_config.h"
#include "store/tenants.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

class TenantsTest : public StoreTest {
 protected:
  [[nodiscard]] StoreConfig config_of(const std::string& tenant) const {
    StoreConfig config = at(root_);
    config.tenant = tenant;
    return config;
  }
  std::shared_ptr<const OpenStore> open_as(const std::string& tenant) {
    return value_of(open_parts(config_of(tenant)));
  }
  std::unique_ptr<CheckpointStore> store_as(const std::string& tenant) {
    return value_of(open_store(config_of(tenant)));
  }
  static CheckpointId put_as(const std::shared_ptr<const OpenStore>& store,
                             const std::string& memory) {
    auto writer = value_of(begin_checkpoint(store, {}));
    write(writer->pages().spool() / "pages-1.img", memory);
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal(facts()));
    EXPECT_TRUE(writer->settle());
    return writer->id();
  }
  [[nodiscard]] path place_of(const std::string& tenant) const {
    return root_ / "tenants" / tenant;
  }
};

TEST_F(TenantsTest, OneCannotReadOrProbeWhatTheOtherHas) {
  const auto first = open_as("first");
  const auto second = open_as("second");
  const std::string memory = noise(300 * 4096);
  const CheckpointId theirs = put_as(first, memory);

  const auto opened = store_as("second")->open(theirs);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound) << opened.error().message();

  // Equal pages are not found: who stores them learns nothing about who has them.
  const std::span<const std::byte> page = std::as_bytes(std::span(memory)).first(4096);
  EXPECT_NE(first->keys.pages.of(page), second->keys.pages.of(page));
  const CheckpointId ours = put_as(second, memory);
  EXPECT_EQ(bytes_in(place_of("first") / "packs"), bytes_in(place_of("second") / "packs"));
  EXPECT_EQ(store_as("first")->open(ours).error().code(), ErrorCode::kNotFound);

  // Not even with the other's blocks and packs in a checkpoint of one's own.
  pages::Contents stolen = value_of(load_contents(*first, theirs));
  stolen.manifest.id = CheckpointId("stolen");
  write(place_of("second") / "checkpoints" / "stolen",
        value_of(pages::seal_contents(second->keys, stolen)));
  fs::copy(place_of("first") / "packs", place_of("second") / "packs",
           fs::copy_options::overwrite_existing);
  auto reader = open_checkpoint(second, CheckpointId("stolen"));
  const bool read = reader && (*reader)->pages().materialize();
  EXPECT_FALSE(read);
  // Nor the file itself, in one's own place.
  fs::copy(place_of("first") / "checkpoints" / theirs.str(), place_of("second") / "checkpoints");
  EXPECT_EQ(store_as("second")->open(theirs).error().code(), ErrorCode::kDenied);
}

// Who keeps the store in order is the node, for all of them.
TEST_F(TenantsTest, TheNodeSeesAll) {
  const std::string memory = noise(300 * 4096);
  const CheckpointId ids[] = {put({{"pages-1.img", memory}}), put_as(open_as("ns.a"), memory),
                              put_as(open_as("ns.b"), memory)};
  EXPECT_EQ(value_of(store_->list()).size(), 3U);
  for (const CheckpointId& id : ids) {
    EXPECT_TRUE(store_->open(id)) << id.str();
    EXPECT_TRUE(store_->verify(id)) << id.str();
    EXPECT_GT(value_of(store_->stored_bytes(id)), 0U);
  }
  std::uint64_t told = 0;
  const Verified verified =
      value_of(store_->verify_all([&](const CheckpointId&, auto done, auto all) {
        EXPECT_EQ(done, told++);
        EXPECT_EQ(all, 3U);
      }));
  EXPECT_EQ(verified.checkpoints, 3U);
  EXPECT_TRUE(verified.damages.empty());
  EXPECT_EQ(value_of(store_->use()).checkpoints, 3U);
  EXPECT_EQ(value_of(store_->needs()).checkpoints.size(), 3U);
  EXPECT_EQ(value_of(store_->rebuild_index(kPatience)).pages, 900U);

  // Also where a session of another one does it.
  const auto session = store_as("ns.b");
  EXPECT_TRUE(session->remove(ids[1]));
  EXPECT_EQ(store_->open(ids[1]).error().code(), ErrorCode::kNotFound);
  EXPECT_GT(value_of(session->collect(kPatience)).bytes, 0U);
  EXPECT_EQ(bytes_in(place_of("ns.a") / "packs"), 0U);
  EXPECT_TRUE(store_->verify(ids[2]));
}

// An earlier version knew one tenant: what it has saved is to be gone on from.
TEST_F(TenantsTest, WhatWasSavedBeforeThereWereTenantsIsRead) {
  const CheckpointId older = put({{"pages-1.img", noise(4096)}});
  EXPECT_TRUE(store_as("ns.a")->open(older));
  EXPECT_EQ(value_of(holder_of(config_of("ns.a"), older)).tenant, kTenant);
  const CheckpointId newer = put_as(open_as("ns.a"), noise(4096));
  EXPECT_EQ(value_of(holder_of(at(root_), newer)).tenant, "ns.a");
  EXPECT_EQ(value_of(holder_of(config_of("ns.b"), newer)).tenant, "ns.b");
}

TEST_F(TenantsTest, ANamespaceCalledDefaultIsNotEverybody) {
  EXPECT_NE(tenant_of_namespace("default"), kTenant);
  EXPECT_TRUE(base::parse_id(tenant_of_namespace(std::string(63, 'a'))));
}

TEST_F(TenantsTest, ARotationIsOfAllOfThem) {
  const CheckpointId ids[] = {put_as(open_as("ns.a"), noise(4096)),
                              put_as(open_as("ns.b"), noise(4096))};
  ASSERT_TRUE(rotate_key(at(root_), std::nullopt));
  for (const CheckpointId& id : ids) EXPECT_TRUE(store_->verify(id)) << id.str();
  EXPECT_TRUE(store_as("ns.a")->open(ids[0]));
  fs::remove(key_);
  EXPECT_EQ(open_parts(config_of("ns.c")).error().code(), ErrorCode::kDenied);
  EXPECT_FALSE(fs::exists(key_)) << "it was made anew beside what the old one sealed";
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
