// SPDX-License-Identifier: Apache-2.0
//
// Two stores, as on two nodes, and a directory as the place elsewhere.
#include "transfer/transfer.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "store/tenants.h"
#include "store/test_store.h"
#include "transfer/internal/test_busy_place.h"
#include "transfer/remote_gc.h"

namespace reprise::transfer {
namespace {

namespace fs = std::filesystem;
using base::CheckpointId;
using base::ErrorCode;
using std::filesystem::path;
using store::bytes_in;
using store::entries;
using store::facts;
using store::FilesOf;
using store::kPatience;
using store::noise;
using store::read;
using store::write;
using sys::value_of;

class TransferTest : public store::StoreTest {
 protected:
  TransferTest() { depot_ = remote::open_directory(place_); }

  Result<Pushed> push(const CheckpointId& id) {
    return push_checkpoint(at(root_), id, "a note", *depot_, {});
  }
  Result<Pulled> pull(const CheckpointId& id) {
    return pull_checkpoint(at(other_root_), id, *depot_, {});
  }
  // The other node's store holds these files as checkpoint `id`.
  void expect_other_holds(const CheckpointId& id, const FilesOf& images) {
    auto other = value_of(store::open_store(at(other_root_)));
    const auto verified = other->verify(id);
    EXPECT_TRUE(verified) << verified.error().details();
    auto reader = value_of(other->open(id));
    const path spool = value_of(reader->pages().materialize());
    for (const auto& [name, contents] : images)
      EXPECT_TRUE(read(spool / name) == contents) << name << " is not what was stored";
  }
  // One bit in the middle of the largest file.
  static path damage(const path& directory) {
    path largest;
    for (const auto& entry : fs::directory_iterator(directory))
      if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
    std::string text = read(largest);
    text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
    write(largest, text);
    return largest;
  }

  path place_ = directory_.path() / "depot";
  path other_root_ = directory_.path() / "other";
  std::unique_ptr<remote::ObjectStore> depot_;
  const FilesOf images_ = {{"pages-1.img", noise(9'000'001)}, {"core-1.img", noise(2693, 2)}};
};

TEST_F(TransferTest, WhatIsPushedCanBePulledElsewhere) {
  const CheckpointId id = put(images_);
  const Pushed pushed = value_of(push(id));
  EXPECT_EQ(pushed.packs, 1U);
  EXPECT_EQ(pushed.bytes, stored());
  EXPECT_EQ(value_of(push(id)).packs, 0U);  // again: nothing to do
  std::uint64_t told = 0;
  const Pulled pulled = value_of(
      pull_checkpoint(at(other_root_), id, *depot_, [&](std::uint64_t done, std::uint64_t all) {
        EXPECT_LE(done, all);
        told = done;
        return Result<void>();
      }));
  EXPECT_EQ(pulled.manifest.id, id);
  EXPECT_EQ(pulled.note, "a note");
  EXPECT_GT(told, 9'000'000U);
  expect_other_holds(id, images_);
  EXPECT_EQ(value_of(pull(id)).blocks, 0U);  // again: it is here
  EXPECT_EQ(value_of(remote_checkpoints(at(other_root_), *depot_)).manifests.size(), 1U);
}

TEST_F(TransferTest, OnlyWhatIsNotThereIsMoved) {
  std::string memory = noise(20'000'000);
  const CheckpointId first = put({{"pages-1.img", memory}});
  ASSERT_TRUE(push(first));
  const Pulled whole = value_of(pull(first));
  memory.replace(5'000'000, 100'000, noise(100'000, 9));
  const CheckpointId second = put({{"pages-1.img", memory}});
  const Pushed pushed = value_of(push(second));
  EXPECT_EQ(pushed.packs, 1U);
  EXPECT_LT(pushed.bytes, 300'000U);
  const Pulled rest = value_of(pull(second));
  EXPECT_GT(whole.bytes, 19'000'000U);
  EXPECT_LT(rest.bytes, 300'000U);
  expect_other_holds(second, {{"pages-1.img", memory}});
  // Each stands alone, also where the blocks of the other are gone.
  auto other = value_of(store::open_store(at(other_root_)));
  ASSERT_TRUE(other->remove(first));
  ASSERT_TRUE(other->collect(kPatience));
  expect_other_holds(second, {{"pages-1.img", memory}});
  // What came is found by what is written next.
  auto writer = value_of(other->begin({}));
  write(writer->pages().spool() / "pages-1.img", memory);
  ASSERT_TRUE(writer->pages().absorb());
  const std::uint64_t before = bytes_in(other_root_ / "packs");
  ASSERT_TRUE(writer->seal(facts()));
  EXPECT_LT(bytes_in(other_root_ / "packs"), before + 100'000);
}

// Packs were sent whole: of a checkpoint that shares a little with an older one, all of that.
TEST_F(TransferTest, OnlyBlocksThatAreNeededAreSent) {
  const std::string memory = noise(20'000'000);
  const CheckpointId large = put({{"pages-1.img", memory}});
  const FilesOf part = {{"pages-1.img", memory.substr(0, 500 * 4096)}};
  const CheckpointId small = put(part);
  const Pushed pushed = value_of(push(small));
  EXPECT_GT(pushed.bytes, 1'900'000U);
  EXPECT_LT(pushed.bytes, 4'000'000U);
  EXPECT_EQ(value_of(push(small)).packs, 0U);
  ASSERT_TRUE(pull(small));
  expect_other_holds(small, part);
  // What is there already is counted on.
  const CheckpointId smaller = put({{"pages-1.img", memory.substr(0, 250 * 4096)}});
  EXPECT_EQ(value_of(push(smaller)).packs, 0U);
  ASSERT_TRUE(pull(smaller));
  expect_other_holds(smaller, {{"pages-1.img", memory.substr(0, 250 * 4096)}});
  ASSERT_TRUE(push(large));
  ASSERT_TRUE(pull(large));
  expect_other_holds(large, {{"pages-1.img", memory}});
  EXPECT_TRUE(entries(root_ / "staging").empty());
}

TEST_F(TransferTest, DamagedBlocksAreNeverPushed) {
  const CheckpointId id = put(images_);
  damage(packs());
  const auto pushed = push(id);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(fs::exists(place_ / "checkpoints"));
  EXPECT_TRUE(!fs::exists(place_ / "packs") || entries(place_ / "packs").empty());
}

TEST_F(TransferTest, DamageElsewhereIsFoundAndWhatIsDamagedHereIsFetched) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  ASSERT_TRUE(pull(id));
  // The checkpoint goes, its pack stays; one of its blocks is damaged.
  ASSERT_TRUE(value_of(store::open_store(at(other_root_)))->remove(id));
  damage(other_root_ / "packs");
  const Pulled mended = value_of(pull(id));
  EXPECT_EQ(mended.blocks, 1U);
  expect_other_holds(id, images_);
  // Now what lies elsewhere is damaged as well.
  ASSERT_TRUE(value_of(store::open_store(at(other_root_)))->remove(id));
  fs::remove_all(other_root_ / "packs");
  damage(place_ / "packs");
  const auto pulled = pull(id);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(entries(other_root_ / "checkpoints").empty());
  EXPECT_TRUE(entries(other_root_ / "packs").empty());
  EXPECT_TRUE(entries(other_root_ / "staging").empty());
}

TEST_F(TransferTest, AMissingPackElsewhereIsDamage) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  fs::remove_all(place_ / "packs");
  EXPECT_EQ(pull(id).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(pull(CheckpointId("no-such")).error().code(), ErrorCode::kNotFound);
  // Pushed again, it is whole again.
  ASSERT_TRUE(push(id));
  ASSERT_TRUE(pull(id));
}

// Two nodes, each with a store of its own: the second one could neither push nor pull.
TEST_F(TransferTest, StoresWithKeysOfTheirOwnShareAPlace) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  // Under the same key-encryption key: its secret is another.
  auto other = value_of(store::open_store(at(other_root_)));
  auto writer = value_of(other->begin({}));
  write(writer->pages().spool() / "pages-1.img", noise(1'000'000, 7));
  ASSERT_TRUE(writer->pages().absorb());
  ASSERT_TRUE(writer->seal(facts()));
  const Pulled pulled = value_of(pull(id));
  EXPECT_EQ(pulled.note, "a note");
  expect_other_holds(id, images_);
  EXPECT_EQ(value_of(pull(id)).blocks, 0U);
  EXPECT_TRUE(other->verify(writer->id()));
  const Pushed pushed =
      value_of(push_checkpoint(at(other_root_), writer->id(), "their note", *depot_, {}));
  EXPECT_GT(pushed.bytes, 900'000U);
  // Theirs stays readable for who pushed it first.
  EXPECT_EQ(value_of(push_checkpoint(at(other_root_), id, "other", *depot_, {})).packs, 0U);
  EXPECT_EQ(value_of(remote_note_of(at(root_), id, *depot_)), "a note");
  EXPECT_EQ(value_of(remote_note_of(at(root_), writer->id(), *depot_)), "their note");
  EXPECT_EQ(value_of(remote_checkpoints(at(root_), *depot_)).manifests.size(), 2U);
  ASSERT_TRUE(pull_checkpoint(at(root_), writer->id(), *depot_, {}));
  EXPECT_TRUE(store_->verify(writer->id()));
  expect_holds(writer->id(), {{"pages-1.img", noise(1'000'000, 7)}});
  // What came is found by what is written next.
  const std::uint64_t before = stored();
  put({{"pages-1.img", noise(1'000'000, 7)}});
  EXPECT_LT(stored(), before + 100'000);
}

TEST_F(TransferTest, TheKeyOfAnotherHostIsFoundBesideTheOwn) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  const path theirs = directory_.path() / "key";
  const path ours = directory_.path() / "other-key";
  key_ = ours;
  ASSERT_TRUE(value_of(store::open_store(at(other_root_)))->begin({}));
  const auto denied = pull(id);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), ErrorCode::kDenied);
  EXPECT_TRUE(denied.error().hint().contains(ours.string() + ".d/")) << denied.error().hint();
  EXPECT_EQ(value_of(remote_checkpoints(at(other_root_), *depot_)).unreadable.size(), 1U);
  fs::create_directory(ours.string() + ".d");
  fs::copy_file(theirs, ours.string() + ".d/first-node");
  ASSERT_TRUE(pull(id));
  expect_other_holds(id, images_);
}

TEST_F(TransferTest, AnEmptyStoreTakesOverTheKey) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  auto other = value_of(store::open_store(at(other_root_)));
  ASSERT_TRUE(pull(id));
  EXPECT_EQ(read(other_root_ / "packs" / entries(other_root_ / "packs").front()).size(),
            read(packs() / entries(packs()).front()).size());
  // It was opened before the key was taken over: what it would write could not be read.
  EXPECT_EQ(other->begin({}).error().code(), ErrorCode::kBusy);
  EXPECT_TRUE(value_of(store::open_store(at(other_root_)))->begin({}));
}

TEST_F(TransferTest, AWriterThatBeganUnderTheOldKeyIsNotLost) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  auto other = value_of(store::open_store(at(other_root_)));
  const auto living = value_of(other->begin({}));
  ASSERT_TRUE(pull(id));
  ASSERT_TRUE(living->pages().absorb());
  ASSERT_TRUE(living->seal(facts()));
  EXPECT_TRUE(value_of(store::open_store(at(other_root_)))->verify(living->id()));
  expect_other_holds(id, images_);
}

// --- every step, failed and killed

TEST_F(TransferTest, APushThatIsKilledGoesOn) {
  const CheckpointId id = put(images_);
  for (const char* point : {"push-pack", "push-packs", "push-sealed"}) {
    sys::Children children;
    children.start([&] {
      ::setenv("REPRISE_FAULT", (std::string(point) + ":kill").c_str(), 1);
      return push(id) ? 1 : 2;
    });
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1}) << point;
    // Visible only if whole.
    const bool visible = fs::exists(place_ / "checkpoints" / id.str());
    EXPECT_EQ(visible, std::string(point) == "push-sealed") << point;
  }
  EXPECT_EQ(value_of(push(id)).packs, 0U);
  ASSERT_TRUE(pull(id));
  expect_other_holds(id, images_);
}

TEST_F(TransferTest, APullThatIsKilledLeavesNothingAndCanBeRepeated) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  for (const char* action : {":fail", ":kill"})
    for (const char* point :
         {"pull-range", "pull-fetched", "pull-synced", "seal-manifest", "seal-renamed"}) {
      fs::remove_all(other_root_);
      sys::Children children;
      children.start([&] {
        ::setenv("REPRISE_FAULT", (std::string(point) + action).c_str(), 1);
        return pull(id) ? 1 : 2;
      });
      const bool killed = std::string(action) == ":kill";
      ASSERT_EQ(children.wait_for_all(), std::vector<int>{killed ? -1 : 2}) << point;
      auto other = value_of(store::open_store(at(other_root_)));
      ASSERT_TRUE(other->sweep());
      const bool sealed = killed && std::string(point) == "seal-renamed";
      EXPECT_EQ(value_of(other->list()).size(), sealed ? 1U : 0U) << point << action;
      ASSERT_TRUE(other->collect(kPatience));
      EXPECT_EQ(entries(other_root_ / "packs").size(), sealed ? 1U : 0U) << point << action;
      EXPECT_TRUE(entries(other_root_ / "staging").empty()) << point << action;
      ASSERT_TRUE(pull(id)) << point << action;
      expect_other_holds(id, images_);
    }
}

TEST_F(TransferTest, APullThatIsKilledGoesOnWhereItWas) {
  const FilesOf memory{{"pages-1.img", noise(100'000'000)}};
  const CheckpointId id = put(memory);
  ASSERT_TRUE(push(id));
  sys::Children children;
  children.start([&] {
    ::setenv("REPRISE_FAULT", "pull-pack:kill", 1);
    return pull(id) ? 1 : 2;
  });
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1});
  const Pulled rest = value_of(pull(id));
  EXPECT_LT(rest.bytes, 45'000'000U);
  EXPECT_GT(rest.bytes, 30'000'000U);
  expect_other_holds(id, memory);
  // Nothing of it is there twice.
  EXPECT_LT(bytes_in(other_root_ / "packs"), 101'000'000U);
  EXPECT_EQ(value_of(value_of(store::open_store(at(other_root_)))->collect(kPatience)).packs, 0U);
}

TEST_F(TransferTest, BlocksThatAreMovedDuringAPullAreFound) {
  // Of a pack of 8 MiB one checkpoint needs a quarter.
  const CheckpointId large = put({{"pages-1.img", noise(std::size_t{8} << 20)}});
  const FilesOf small{{"pages-1.img", noise(std::size_t{8} << 20).substr(0, std::size_t{2} << 20)}};
  const CheckpointId id = put(small);
  ASSERT_TRUE(store_->remove(large));
  BusyPlace busy(remote::open_directory(root_), [this] {
    EXPECT_EQ(value_of(store_->compact(kPatience)).packs, 1U);
    EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 1U);
  });
  const auto pulled = pull_checkpoint(at(other_root_), id, busy, {});
  ASSERT_TRUE(pulled) << pulled.error().details();
  expect_other_holds(id, small);
}

// gc runs while a pull counts on the blocks of a pack that no checkpoint needs.
TEST_F(TransferTest, GcKeepsWhatAPullCountsOn) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  ASSERT_TRUE(pull(id));
  auto other = value_of(store::open_store(at(other_root_)));
  ASSERT_TRUE(other->remove(id));
  sys::Children children;
  children.start([&] {
    ::setenv("REPRISE_FAULT", "pull-fetched:stop", 1);
    const auto pulled = pull(id);
    return pulled && pulled->blocks == 0 ? 0 : 1;
  });
  const pid_t child = children.pids().front();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(value_of(other->collect(std::chrono::milliseconds(100))).waiting, 1U);
  ::kill(child, SIGCONT);
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{0});
  EXPECT_EQ(value_of(other->collect(kPatience)).packs, 0U);
  expect_other_holds(id, images_);
}

// Namespaces of a cluster, whose checkpoints lie at one place.
class TenantsElsewhereTest : public TransferTest {
 protected:
  [[nodiscard]] store::StoreConfig tenant_at(const path& root, const std::string& tenant) const {
    store::StoreConfig config = at(root);
    config.tenant = tenant;
    return config;
  }
  CheckpointId put_as(const std::string& tenant) {
    auto store = value_of(store::open_store(tenant_at(root_, tenant)));
    auto writer = value_of(store->begin({}));
    for (const auto& [name, contents] : images_) write(writer->pages().spool() / name, contents);
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal(facts()));
    return writer->id();
  }
  Result<Pulled> pull_as(const std::string& tenant, const CheckpointId& id) {
    return pull_checkpoint(tenant_at(other_root_, tenant), id, *depot_, {});
  }
  std::string holder_there(const CheckpointId& id) {
    return value_of(store::holder_of(at(other_root_), id)).tenant;
  }
};

TEST_F(TenantsElsewhereTest, NobodyElseCanHaveWhatOneHas) {
  const CheckpointId id = put_as("ns.a");
  ASSERT_TRUE(push(id));  // by the node, which sees all
  const auto theirs = pull_as("ns.b", id);
  ASSERT_FALSE(theirs);
  EXPECT_EQ(theirs.error().code(), ErrorCode::kDenied) << theirs.error().message();
  const auto ours = pull_as("ns.a", id);
  ASSERT_TRUE(ours) << ours.error().details();
  EXPECT_EQ(ours->note, "a note");
  EXPECT_EQ(holder_there(id), "ns.a");
  expect_other_holds(id, images_);
}

TEST_F(TenantsElsewhereTest, NodesWithOtherKeysOfOneTenantReadEachOthers) {
  store::StoreConfig there = tenant_at(other_root_, "ns.a");
  {
    auto store = value_of(store::open_store(there));
    auto writer = value_of(store->begin({}));
    write(writer->pages().spool() / "pages-1.img", noise(4096, 7));
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal(facts()));
  }
  const CheckpointId id = put_as("ns.a");
  ASSERT_TRUE(push(id));
  const auto pulled = pull_as("ns.a", id);
  ASSERT_TRUE(pulled) << pulled.error().details();
  expect_other_holds(id, images_);
}

TEST_F(TenantsElsewhereTest, WhatWasSavedBeforeThereWereTenantsBecomesOnes) {
  const CheckpointId id = put(images_);
  ASSERT_TRUE(push(id));
  const auto pulled = pull_as("ns.a", id);
  ASSERT_TRUE(pulled) << pulled.error().details();
  EXPECT_EQ(holder_there(id), "ns.a");
  expect_other_holds(id, images_);
}

TEST_F(TenantsElsewhereTest, TheNodeKeepsThePlaceInOrder) {
  const CheckpointId ids[] = {put(images_), put_as("ns.a"), put_as("ns.b")};
  for (const CheckpointId& id : ids) ASSERT_TRUE(push(id));
  const auto there = value_of(remote_checkpoints(at(root_), *depot_));
  EXPECT_EQ(there.manifests.size(), 3U);
  EXPECT_TRUE(there.unreadable.empty());
  ASSERT_TRUE(remove_remote_checkpoint(ids[1], *depot_));
  const auto freed = collect_remote(at(root_), *depot_, {.grace = std::chrono::milliseconds(0)});
  ASSERT_TRUE(freed) << freed.error().details();
  EXPECT_EQ(freed->packs, 1U);
  EXPECT_TRUE(pull_as("ns.b", ids[2]));
  EXPECT_TRUE(pull_as("default", ids[0]));
}

}  // namespace
}  // namespace reprise::transfer
