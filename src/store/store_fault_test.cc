// SPDX-License-Identifier: Apache-2.0
//
// What the directory store promises when writers die, disks are full and data is damaged.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <random>

#include "store/checkpoint_store.h"
#include "store/internal/test_store.h"

namespace reprise::store {
namespace {

class StoreFaultTest : public DirectoryStoreTest {};

TEST_F(StoreFaultTest, KilledWriterIsSweptAndALivingOneIsNot) {
  auto living = store_->begin().value();
  write(living->pages().spool() / "core-1.img", "x");
  Children children;
  children.start([&] {
    auto writer = store_->begin();
    if (!writer) return 1;
    write((*writer)->pages().spool() / "pages-1.img", noise(5000));
    ::kill(::getpid(), SIGKILL);
    return 2;
  });
  ASSERT_EQ(children.wait_for_all(), std::vector<int>{-1});
  EXPECT_EQ(store_->sweep().value(), 1);
  EXPECT_EQ(store_->sweep().value(), 0);
  ASSERT_TRUE(living->pages().absorb());
  ASSERT_TRUE(living->seal(facts())) << "the sweep touched a living writer";
  EXPECT_TRUE(store_->verify(living->id()));
  ASSERT_TRUE(store_->remove(living->id()));
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST_F(StoreFaultTest, SweepsAndWritersInManyProcessesDoNotDisturbEachOther) {
  constexpr int kProcesses = 6;
  constexpr int kRounds = 15;
  Children children;
  for (int i = 0; i < kProcesses; ++i)
    children.start([&, i] {
      children.wait_for_gate();
      for (int round = 0; round < kRounds; ++round) {
        if (i % 2 == 0 && !store_->sweep()) return 1;
        if (i % 2 == 0) continue;
        auto writer = store_->begin();
        if (!writer) return 2;
        write((*writer)->pages().spool() / "core-1.img", "x");
        if (!(*writer)->pages().absorb()) return 3;
        if (!(*writer)->seal(facts())) return 4;
      }
      return 0;
    });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(kProcesses, 0));
  EXPECT_EQ(store_->list()->size(), std::size_t{kProcesses / 2 * kRounds});
  EXPECT_EQ(store_->sweep().value(), 0);
}

// --- disks that are full

TEST_F(StoreFaultTest, SealThatCannotWriteItsManifestLeavesNothing) {
  Children children;
  children.start([&] {
    // No file of this process may grow beyond 1 KiB: the manifest is the first that would.
    ::signal(SIGXFSZ, SIG_IGN);
    auto writer = store_->begin().value();
    const rlimit limit{1024, 1024};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    image::Manifest manifest = facts();
    manifest.mounts.assign(100, "/a/mount/with/a/long/destination");
    const auto sealed = writer->seal(manifest);
    if (sealed) return 2;
    if (sealed.error().error_number() != EFBIG) return 3;
    return store_->list()->empty() ? 0 : 4;
  });
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{0});
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST(FullDiskTest, NothingIsVisibleAndTheSpaceIsFreed) {
  TestDirectory directory;
  if (::mount("none", directory.path().c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "needs the right to mount a tmpfs: run as root";
  {
    auto store = open_directory_store(directory.path()).value();
    const auto free_before = fs::space(directory.path()).free;
    {
      auto writer = store->begin().value();
      std::ofstream(writer->pages().spool() / "pages-1.img", std::ios::binary)
          << std::string(std::size_t{4} << 20, 'x');  // all that fits
      ASSERT_EQ(fs::space(directory.path()).free, 0U);
      ASSERT_TRUE(writer->pages().absorb());
      const auto manifest = writer->seal(facts());
      ASSERT_FALSE(manifest);
      EXPECT_EQ(manifest.error().code(), ErrorCode::kIo) << manifest.error().message();
      EXPECT_EQ(manifest.error().error_number(), ENOSPC);
      EXPECT_TRUE(store->list()->empty());
    }
    EXPECT_TRUE(store->list()->empty());
    EXPECT_GE(fs::space(directory.path()).free + 8192, free_before);  // the store's lock file
    EXPECT_EQ(leftovers(directory.path()), kNothing);
  }
  EXPECT_EQ(::umount2(directory.path().c_str(), MNT_DETACH), 0);
}

// --- damage

TEST_F(StoreFaultTest, FlippedBitsAreFoundAndNamed) {
  const CheckpointId id = sealed();
  const std::vector<std::string> names{"criu/pages-1.img", "criu/core-1.img", "parts/rootfs.tar",
                                       "manifest.json"};
  std::mt19937 random(20261123);  // NOLINT: the same in every run
  for (int round = 0; round < 60; ++round) {
    const std::string& name = names[random() % names.size()];
    std::fstream file(file_of(id, name), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random() % fs::file_size(file_of(id, name)));
    const auto flip = [&, bit = 1U << (random() % 8)] {
      file.seekg(at);
      const auto byte = static_cast<unsigned>(file.get());
      file.seekp(at);
      file.put(static_cast<char>(byte ^ bit));
      file.flush();
    };
    flip();
    expect_corrupt(store_->verify(id), name);
    if (name.starts_with("criu/")) {
      const auto pages = store_->open(id).value()->pages().materialize();
      ASSERT_FALSE(pages) << name << " at " << at;
      EXPECT_EQ(pages.error().code(), ErrorCode::kCorrupt);
    }
    flip();
  }
  EXPECT_TRUE(store_->verify(id)) << "undone, it is whole again";
}

TEST_F(StoreFaultTest, TruncatedAndMissingFilesAreNamedWhenOpened) {
  const CheckpointId id = sealed();
  fs::resize_file(file_of(id, "criu/core-1.img"), 2692);
  expect_corrupt(store_->verify(id), "criu/core-1.img");
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(store_->open(id).error().message().contains("2692 bytes instead of 2693"));
  fs::remove(file_of(id, "criu/core-1.img"));
  expect_corrupt(store_->verify(id), "criu/core-1.img");
  EXPECT_TRUE(store_->open(id).error().message().contains("'criu/core-1.img' is missing"));
}

TEST_F(StoreFaultTest, AddedFilesAreNamed) {
  for (const char* name : {"criu/more.img", "parts/more", "more"}) {
    const CheckpointId id = sealed();
    write(file_of(id, name), "x");
    expect_corrupt(store_->verify(id), name);
  }
  const CheckpointId id = sealed();
  fs::create_directory(file_of(id, "other"));
  expect_corrupt(store_->verify(id), "other");
}

TEST_F(StoreFaultTest, AFileBehindALinkIsNotOurs) {
  const CheckpointId id = sealed();
  fs::rename(file_of(id, "criu/core-1.img"), root_ / "elsewhere");
  fs::create_symlink(root_ / "elsewhere", file_of(id, "criu/core-1.img"));
  expect_corrupt(store_->verify(id), "criu/core-1.img");
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kCorrupt);
}

TEST_F(StoreFaultTest, MissingManifestAndThatOfAnother) {
  const CheckpointId id = sealed();
  const CheckpointId other = sealed();
  fs::copy_file(file_of(other, "manifest.json"), file_of(id, "manifest.json"),
                fs::copy_options::overwrite_existing);
  expect_corrupt(store_->verify(id), "manifest.json");
  fs::remove(file_of(id, "manifest.json"));
  expect_corrupt(store_->verify(id), "manifest.json");
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace reprise::store
