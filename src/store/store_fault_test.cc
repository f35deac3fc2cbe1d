// SPDX-License-Identifier: Apache-2.0
//
// What the store promises when writers die, disks are full and data is damaged.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <csignal>
#include <fstream>
#include <future>
#include <optional>
#include <random>
#include <thread>

#include "crypto/test_keys.h"
#include "pages/page_index.h"
#include "store/checkpoint_store.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

class StoreFaultTest : public StoreTest {
 protected:
  void expect_no_leftovers() {
    EXPECT_TRUE(entries(root_ / "staging").empty());
    EXPECT_TRUE(entries(root_ / "checkpoints").empty());
  }
  // Stores this memory, and looks whether it comes back so; or why it is not stored.
  std::optional<base::Error> store_again(const std::string& memory) {
    auto store = value_of(open_store(at(root_)));
    auto writer = store->begin({});
    if (!writer) return writer.error();
    write((*writer)->pages().spool() / "pages-1.img", memory);
    if (const auto absorbed = (*writer)->pages().absorb(); !absorbed) return absorbed.error();
    if (const auto sealed = (*writer)->seal(facts()); !sealed) return sealed.error();
    expect_holds((*writer)->id(), {{"pages-1.img", memory}});
    return std::nullopt;
  }
};

TEST_F(StoreFaultTest, KilledWriterIsSweptAndALivingOneIsNot) {
  auto living = value_of(store_->begin({}));
  write(living->pages().spool() / "core-1.img", "x");
  sys::Children children;
  path spool = directory_.path() / "spool";
  children.start([&] {
    auto writer = store_->begin({.in_files = 1 << 20});
    if (!writer) return 1;
    write((*writer)->pages().spool() / "pages-1.img", noise(5000));
    write(spool, (*writer)->pages().spool().string());
    ::kill(::getpid(), SIGKILL);
    return 2;
  });
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1});
  EXPECT_TRUE(fs::exists(read(spool)));
  EXPECT_EQ(value_of(store_->sweep()), 1);
  EXPECT_FALSE(fs::exists(read(spool))) << "plain memory was left in /dev/shm";
  EXPECT_EQ(value_of(store_->sweep()), 0);
  ASSERT_TRUE(living->pages().absorb());
  ASSERT_TRUE(living->seal(facts())) << "the sweep touched a living writer";
  EXPECT_TRUE(store_->verify(living->id()));
}

// One stayed for good: CRIU wrote there after its runc was killed and the writer had given up.
TEST_F(StoreFaultTest, ASpoolWithoutAWriterIsSweptInItsOwnStoreOnly) {
  auto writer = value_of(store_->begin({.in_files = 1 << 20}));
  const path spool = writer->pages().spool();
  const CheckpointId id = writer->id();
  writer.reset();
  ASSERT_FALSE(fs::exists(spool));
  if (!spool.string().starts_with("/dev/shm/")) GTEST_SKIP() << "the host has no room in memory";
  fs::create_directory(spool);
  write(spool / "pages-1.img", "left");
  ASSERT_TRUE(value_of(open_store(at(directory_.path() / "other")))->sweep());
  EXPECT_TRUE(fs::exists(spool));
  EXPECT_EQ(value_of(store_->sweep()), 1);
  EXPECT_FALSE(fs::exists(spool));
  EXPECT_EQ(value_of(store_->sweep()), 0);
}

// --- every step of a seal and of gc, failed and killed

constexpr const char* kSealPoints[] = {"seal-digested", "seal-synced", "seal-manifest",
                                       "seal-renamed"};

TEST_F(StoreFaultTest, SealThatFailsLeavesNothing) {
  for (const char* point : kSealPoints) {
    ::setenv("REPRISE_FAULT", (std::string(point) + ":fail").c_str(), 1);
    {
      auto writer = value_of(store_->begin({}));
      write(writer->pages().spool() / "pages-1.img", noise(2'000'000));
      ASSERT_TRUE(writer->pages().absorb());
      EXPECT_FALSE(writer->seal(facts())) << point;
    }
    ::unsetenv("REPRISE_FAULT");
    expect_no_leftovers();
    EXPECT_TRUE(entries(packs()).empty()) << point;
  }
}

TEST_F(StoreFaultTest, SealThatIsKilledIsWholeOrNothing) {
  const std::string memory = noise(2'000'000);
  for (const char* point : kSealPoints) {
    sys::Children children;
    children.start([&] {
      ::setenv("REPRISE_FAULT", (std::string(point) + ":kill").c_str(), 1);
      auto store = open_store(at(root_));
      auto writer = (*store)->begin({});
      write((*writer)->pages().spool() / "pages-1.img", memory);
      if (!(*writer)->pages().absorb()) return 1;
      return (*writer)->seal(facts()) ? 2 : 3;
    });
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1}) << point;
    EXPECT_EQ(value_of(store_->sweep()), 1) << point;
    EXPECT_TRUE(entries(root_ / "staging").empty()) << point;
    for (const CheckpointId& id : value_of(store_->list())) {
      EXPECT_EQ(std::string(point), "seal-renamed");
      expect_holds(id, {{"pages-1.img", memory}});
      ASSERT_TRUE(store_->remove(id));
    }
    ASSERT_TRUE(store_->collect(kPatience));
    EXPECT_TRUE(entries(packs()).empty()) << point;
  }
}

TEST_F(StoreFaultTest, GcThatIsKilledLosesNothingAndIsRepeated) {
  for (const char* point : {"gc-condemned", "gc-forgotten", "gc-removed"}) {
    const std::string kept = noise(1'000'000, 1);
    const CheckpointId gone = put({{"pages-1.img", noise(1'000'000, 2)}});
    const CheckpointId stays = put({{"pages-1.img", kept}});
    ASSERT_TRUE(store_->remove(gone));
    sys::Children children;
    children.start([&] {
      ::setenv("REPRISE_FAULT", (std::string(point) + ":kill").c_str(), 1);
      return open_store(at(root_)).value()->collect(kPatience) ? 1 : 2;
    });
    ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1}) << point;
    // The pages of what was condemned are not found; they are stored again.
    const CheckpointId again = put({{"pages-1.img", noise(1'000'000, 2)}});
    ASSERT_TRUE(store_->collect(kPatience)) << point;
    expect_holds(stays, {{"pages-1.img", kept}});
    expect_holds(again, {{"pages-1.img", noise(1'000'000, 2)}});
    ASSERT_TRUE(store_->remove(stays));
    ASSERT_TRUE(store_->remove(again));
    ASSERT_TRUE(store_->collect(kPatience));
    EXPECT_TRUE(entries(packs()).empty()) << point;
  }
}

TEST_F(StoreFaultTest, GcWaitsForWritersThatMayHaveFoundAPage) {
  const std::string memory = noise(1'000'000);
  const CheckpointId first = put({{"pages-1.img", memory}});
  auto writer = value_of(store_->begin({}));
  write(writer->pages().spool() / "pages-1.img", memory);
  ASSERT_TRUE(writer->pages().absorb());  // refers to the pages of the first
  ASSERT_TRUE(store_->remove(first));
  const Collected collected = value_of(store_->collect(kPatience));
  EXPECT_EQ(collected.packs, 0U);
  EXPECT_EQ(collected.waiting, 1U);
  const image::Manifest sealed = value_of(writer->seal(facts()));
  writer.reset();
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 0U);
  expect_holds(sealed.id, {{"pages-1.img", memory}});
  // Pardoned: they are found again.
  const std::uint64_t before = stored();
  put({{"pages-1.img", memory}});
  EXPECT_EQ(stored(), before);
}

// The gc itself pardons what a writer that it waited for needs: nobody may run another for long.
TEST_F(StoreFaultTest, GcPardonsWhatAWriterNeedsThatEndsMeanwhile) {
  const std::string memory = noise(1'000'000);
  const CheckpointId first = put({{"pages-1.img", memory}});
  auto writer = value_of(store_->begin({}));
  write(writer->pages().spool() / "pages-1.img", memory);
  ASSERT_TRUE(writer->pages().absorb());  // refers to the pages of the first
  ASSERT_TRUE(store_->remove(first));
  const crypto::TenantKeys keys = crypto::test_keys();
  pages::PageIndex index = value_of(pages::PageIndex::open(root_, keys.pages));
  auto collecting = std::async(std::launch::async, [&] { return store_->collect(kPatience); });
  while (value_of(index.condemned()).empty()) std::this_thread::yield();
  const image::Manifest sealed = value_of(writer->seal(facts()));
  writer.reset();
  const Collected collected = value_of(collecting.get());
  EXPECT_EQ(collected.packs, 0U);
  EXPECT_EQ(collected.waiting, 0U) << "it gave up before the writer ended";
  EXPECT_TRUE(value_of(index.condemned()).empty());
  expect_holds(sealed.id, {{"pages-1.img", memory}});
  const std::uint64_t before = stored();
  put({{"pages-1.img", memory}});
  EXPECT_EQ(stored(), before) << "its pages were not found";
}

TEST_F(StoreFaultTest, WritersReadersAndGcDoNotDisturbEachOther) {
  constexpr int kWriters = 6;
  constexpr int kRounds = 12;
  sys::Children children;
  for (int i = 0; i < kWriters; ++i)
    children.start([&, i] {
      children.wait_for_gate();
      auto store = open_store(at(root_));
      if (!store) return 1;
      for (int round = 0; round < kRounds; ++round) {
        // Half of it is what others write as well.
        const std::string memory =
            noise(200'000, unsigned(round % 4)) + noise(100'000, unsigned(100 + i));
        auto writer = (*store)->begin({.in_files = memory.size()});
        if (!writer) return 2;
        write((*writer)->pages().spool() / "pages-1.img", memory);
        if (!(*writer)->pages().absorb()) return 3;
        const auto sealed = (*writer)->seal(facts());
        if (!sealed || !(*writer)->settle()) return 4;
        auto reader = (*store)->open(sealed->id);
        if (!reader) return 5;
        const auto spool = (*reader)->pages().materialize();
        if (!spool || read(*spool / "pages-1.img") != memory) return 6;
        if (round % 3 != 0 && !(*store)->remove(sealed->id)) return 7;
      }
      return 0;
    });
  children.start([&] {
    children.wait_for_gate();
    auto store = open_store(at(root_));
    for (int round = 0; round < kRounds; ++round)
      if (!(*store)->collect(kPatience) || !(*store)->sweep()) return 8;
    return 0;
  });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(kWriters + 1, 0));
  const auto ids = value_of(store_->list());
  EXPECT_EQ(ids.size(), std::size_t{kWriters * kRounds / 3});
  ASSERT_TRUE(store_->collect(kPatience));
  for (const CheckpointId& id : ids) EXPECT_TRUE(store_->verify(id)) << id.str();
}

// --- disks that are full

TEST(FullDiskTest, NothingIsVisibleAndTheSpaceIsFreed) {
  TestDirectory directory;
  TestDirectory key;
  if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=3m") != 0)
    GTEST_SKIP() << "needs the right to mount a tmpfs: run as root";
  {
    auto store = value_of(open_store(
        {.root = directory.path(),
         .key = {.kind = crypto::KeySource::Kind::kFile, .value = (key.path() / "key").string()}}));
    {
      // So much that the disk tells before the end: it is written to while blocks are made.
      auto writer = value_of(store->begin({.in_files = std::size_t{32} << 20}));
      write(writer->pages().spool() / "pages-1.img", noise(std::size_t{32} << 20));
      const auto absorbed = writer->pages().absorb();
      ASSERT_FALSE(absorbed);
      EXPECT_EQ(absorbed.error().code(), ErrorCode::kIo) << absorbed.error().message();
      EXPECT_EQ(absorbed.error().error_number(), ENOSPC);
    }
    {
      // And as little as is written only at the end.
      auto writer = value_of(store->begin({.in_files = std::size_t{4} << 20}));
      write(writer->pages().spool() / "pages-1.img", noise(std::size_t{7} << 19));
      ASSERT_TRUE(writer->pages().absorb());
      const auto sealed = writer->seal(facts());
      ASSERT_FALSE(sealed);
      EXPECT_EQ(sealed.error().code(), ErrorCode::kIo) << sealed.error().message();
      EXPECT_EQ(sealed.error().error_number(), ENOSPC);
    }
    EXPECT_TRUE(value_of(store->list()).empty());
    EXPECT_TRUE(entries(directory.path() / "staging").empty());
    EXPECT_TRUE(entries(directory.path() / "packs").empty());
  }
  EXPECT_EQ(::umount2(directory.path().c_str(), MNT_DETACH), 0);
}

// --- the index is lost

TEST_F(StoreFaultTest, TheIndexIsMadeAnewFromThePacks) {
  const std::string memory = noise(2'000'000);
  const CheckpointId id = put({{"pages-1.img", memory}});
  const std::uint64_t before = stored();
  for (const bool lost : {true, false}) {
    write(root_ / "index.db", lost ? "" : "no database");
    for (const char* log : {"index.db-wal", "index.db-shm"}) fs::remove(root_ / log);
    store_ = value_of(open_store(at(root_)));
    EXPECT_EQ(value_of(store_->rebuild_index(kPatience)).pages, 489U);
    const CheckpointId again = put({{"pages-1.img", memory}});
    EXPECT_EQ(stored(), before) << "its pages were not found";
    expect_holds(again, {{"pages-1.img", memory}});
    expect_holds(id, {{"pages-1.img", memory}});
  }
  fs::resize_file(packs() / entries(packs()).front(), before / 2);
  EXPECT_EQ(value_of(store_->rebuild_index(kPatience)).damaged.size(), 1U);
}

// --- damage

void flip(const path& file, std::uint64_t at, unsigned bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<unsigned>(stream.get());
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(byte ^ (1U << bit)));
}

TEST_F(StoreFaultTest, FlippedBitsOfPacksAndCheckpointsAreFoundAndNamed) {
  const CheckpointId id = put_some();
  std::vector<path> files{root_ / "checkpoints" / id.str()};
  for (const std::string& name : entries(packs())) files.push_back(packs() / name);
  std::mt19937 random(20261124);  // NOLINT: the same in every run
  for (int round = 0; round < 400; ++round) {
    const path& file = files[random() % files.size()];
    const std::uint64_t at = random() % fs::file_size(file);
    const unsigned bit = random() % 8;
    flip(file, at, bit);
    const auto verified = store_->verify(id);
    ASSERT_FALSE(verified) << file << " at " << at;
    // A flipped bit in the first line may also look like another key or version.
    EXPECT_EQ(verified.error().code(), ErrorCode::kCorrupt) << verified.error().message();
    EXPECT_TRUE(verified.error().message().contains(id.str()));
    EXPECT_TRUE(file.extension() != ".pack" ||
                verified.error().message().contains(file.stem().string()))
        << verified.error().message();
    auto reader = store_->open(id);
    const bool readable =
        reader && (*reader)->pages().materialize() && (*reader)->part("rootfs.tar");
    EXPECT_FALSE(readable) << file << " at " << at;
    flip(file, at, bit);
  }
  EXPECT_TRUE(store_->verify(id)) << "undone, it is whole again";
}

TEST_F(StoreFaultTest, AFlippedBitOfTheIndexNeverMakesAWrongPage) {
  std::mt19937 random(20261125);  // NOLINT: the same in every run
  const std::string memory = noise(400 * 4096);
  put({{"pages-1.img", memory}});
  // All of it in the database's file, not in its log.
  store_ = value_of(open_store(at(root_)));
  const path index = root_ / "index.db";
  const std::string good = read(index);
  int lived_with = 0;
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t at = 100 + random() % (fs::file_size(index) - 100);
    flip(index, at, random() % 8);
    if (const auto refused = store_again(memory))
      // Damage that is noticed is told as such, and can be mended.
      EXPECT_EQ(refused->code(), ErrorCode::kCorrupt) << refused->details();
    else
      ++lived_with;
    ASSERT_TRUE(value_of(open_store(this->at(root_)))->rebuild_index(kPatience)) << "at " << at;
    const auto refused = store_again(memory);
    ASSERT_FALSE(refused) << refused->details();
    for (const char* log : {"index.db-wal", "index.db-shm"}) fs::remove(root_ / log);
    write(index, good);
  }
  EXPECT_GT(lived_with, 0);
}

TEST_F(StoreFaultTest, TruncatedAndMissingPacksAreNamedWhenOpened) {
  const CheckpointId id = put_some();
  const path pack = packs() / entries(packs()).front();
  fs::resize_file(pack, fs::file_size(pack) - 1);
  const auto cut = store_->open(id);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(cut.error().message().contains("'" + pack.stem().string() + "' is cut off"));
  fs::remove(pack);
  const auto missing = store_->open(id);
  EXPECT_EQ(missing.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(missing.error().message().contains("is missing"));
}

TEST_F(StoreFaultTest, TheFileOfAnotherCheckpointIsRefused) {
  const CheckpointId id = put_some();
  const CheckpointId other = put_some();
  fs::copy_file(root_ / "checkpoints" / other.str(), root_ / "checkpoints" / id.str(),
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kCorrupt);
}

TEST_F(StoreFaultTest, GcFreesNothingWhileACheckpointCannotBeRead) {
  const CheckpointId gone = put({{"pages-1.img", noise(100'000, 2)}});
  const CheckpointId id = put_some();
  flip(root_ / "checkpoints" / id.str(), 300, 1);
  ASSERT_TRUE(store_->remove(gone));
  const auto collected = store_->collect(kPatience);
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(entries(packs()).size(), 2U);
}

}  // namespace
}  // namespace reprise::store
