// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "image/digest.h"
#include "store/checkpoint_store.h"
#include "store/internal/test_store.h"

namespace reprise::store {
namespace {

TEST_F(DirectoryStoreTest, SealedCheckpointIsReadBack) {
  const CheckpointId id = sealed();
  EXPECT_EQ(store_->list().value(), std::vector{id});
  EXPECT_TRUE(leftovers(root_ / "staging").empty());
  auto reader = store_->open(id).value();
  const image::Manifest& manifest = reader->manifest();
  EXPECT_EQ(manifest.id, id);
  EXPECT_EQ(manifest.key.str(), "web");
  EXPECT_EQ(manifest.kernel, "6.18");
  ASSERT_EQ(manifest.files.size(), 3U);
  EXPECT_EQ(manifest.files[0].name, "criu/core-1.img");
  EXPECT_EQ(manifest.files[1], (image::ManifestFile{"criu/pages-1.img", 3'000'001,
                                                    image::digest_of(noise(3'000'001))}));
  const auto spool = reader->pages().materialize();
  ASSERT_TRUE(spool) << spool.error().message();
  EXPECT_EQ(read(*spool / "pages-1.img"), noise(3'000'001));
  EXPECT_EQ(read(*spool / "core-1.img"), noise(2693));
  EXPECT_EQ(read(reader->part("rootfs.tar").value()), noise(10240));
  EXPECT_EQ(reader->part("volumes.tar").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store_->verify(id));
}

TEST_F(DirectoryStoreTest, SealReturnsWhatIsStored) {
  auto writer = store_->begin().value();
  image::Manifest wrong = facts();
  wrong.id = CheckpointId("wrong");
  wrong.files = {{"criu/none", 1, ""}};
  const auto manifest = writer->seal(wrong);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->id, writer->id());
  EXPECT_TRUE(manifest->files.empty());
  EXPECT_EQ(store_->open(writer->id()).value()->manifest(), *manifest);
}

TEST_F(DirectoryStoreTest, EverythingIsPrivate) {
  const ::mode_t old = ::umask(0);
  auto writer = store_->begin().value();
  write(writer->pages().spool() / "core-1.img", "x");  // 0666, as careless as can be
  write(writer->part("rootfs.tar").value(), "x");
  ASSERT_TRUE(writer->pages().absorb());
  ASSERT_TRUE(writer->seal(facts()));
  ::umask(old);
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, entry.is_directory() ? 0700U : 0600U) << entry.path();
  }
}

TEST_F(DirectoryStoreTest, UnsealedWriterLeavesNothing) {
  {
    auto writer = store_->begin().value();
    write(writer->pages().spool() / "pages-1.img", noise(5000));
    write(writer->part("rootfs.tar").value(), "x");
    ASSERT_TRUE(writer->pages().absorb());
    EXPECT_EQ(store_->open(writer->id()).error().code(), ErrorCode::kNotFound);
    EXPECT_TRUE(store_->list()->empty());
  }
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST_F(DirectoryStoreTest, SealedWriterLeavesOnlyTheCheckpoint) {
  const CheckpointId id = sealed();
  ASSERT_TRUE(store_->remove(id));
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST_F(DirectoryStoreTest, SecondSealIsRefused) {
  auto writer = store_->begin().value();
  ASSERT_TRUE(writer->seal(facts()));
  EXPECT_EQ(writer->seal(facts()).error().code(), ErrorCode::kInternal);
  EXPECT_TRUE(store_->verify(writer->id()));
}

TEST_F(DirectoryStoreTest, OnlyRegularFilesAreAbsorbed) {
  using Make = void (*)(const path&);
  for (const Make make : {Make([](const path& p) { fs::create_symlink("/etc/passwd", p); }),
                          Make([](const path& p) { fs::create_directory(p); }),
                          Make([](const path& p) { ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0); })}) {
    auto writer = store_->begin().value();
    make(writer->pages().spool() / "odd");
    const auto absorbed = writer->pages().absorb();
    ASSERT_FALSE(absorbed);
    EXPECT_TRUE(absorbed.error().message().contains("'criu/odd'")) << absorbed.error().message();
    EXPECT_FALSE(writer->seal(facts())) << "the sink is unusable";
  }
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST_F(DirectoryStoreTest, SpoolThatWasNotAbsorbedIsNotSealed) {
  auto writer = store_->begin().value();
  write(writer->pages().spool() / "core-1.img", "x");
  const auto manifest = writer->seal(facts());
  ASSERT_FALSE(manifest);
  EXPECT_TRUE(manifest.error().message().contains("'criu/core-1.img'"));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(DirectoryStoreTest, SpoolThatGrewAfterwardsIsNotSealed) {
  auto writer = store_->begin().value();
  write(writer->pages().spool() / "core-1.img", "x");
  ASSERT_TRUE(writer->pages().absorb());
  write(writer->pages().spool() / "core-1.img", "xx");
  EXPECT_FALSE(writer->seal(facts()));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(DirectoryStoreTest, ManifestThatCouldNotBeReadIsNotSealed) {
  auto writer = store_->begin().value();
  image::Manifest manifest = facts();
  manifest.key = base::ContainerKey();
  EXPECT_FALSE(writer->seal(manifest));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(DirectoryStoreTest, PartNamesStayInside) {
  auto writer = store_->begin().value();
  for (const char* name : {"", "..", "../x", "/etc/passwd", "a/b", ".hidden"})
    EXPECT_EQ(writer->part(name).error().code(), ErrorCode::kInvalidInput) << name;
}

TEST_F(DirectoryStoreTest, IdsStayInside) {
  write(root_ / "outside", "x");
  for (const char* id : {"", ".", "..", "../staging", "none", "a/b"}) {
    EXPECT_EQ(store_->open(CheckpointId(id)).error().code(), ErrorCode::kNotFound) << id;
    EXPECT_EQ(store_->verify(CheckpointId(id)).error().code(), ErrorCode::kNotFound) << id;
    EXPECT_TRUE(store_->remove(CheckpointId(id))) << id;
  }
  EXPECT_TRUE(fs::exists(root_ / "staging"));
}

TEST_F(DirectoryStoreTest, RemovedCheckpointIsGone) {
  const CheckpointId kept = sealed();
  const CheckpointId id = sealed();
  ASSERT_TRUE(store_->remove(id));
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->list().value(), std::vector{kept});
  EXPECT_TRUE(store_->remove(id)) << "removing twice is success";
}

TEST_F(DirectoryStoreTest, RemovalThatCrashedIsSwept) {
  const CheckpointId id = sealed();
  fs::rename(root_ / "checkpoints" / id.str(), root_ / "staging" / ("removed-" + id.str()));
  EXPECT_EQ(store_->sweep().value(), 0) << "no writer died";
  EXPECT_EQ(leftovers(root_), kNothing);
}

TEST_F(DirectoryStoreTest, ListIsSorted) {
  std::vector<CheckpointId> ids{sealed(), sealed(), sealed()};
  std::ranges::sort(ids);
  EXPECT_EQ(store_->list().value(), ids);
}

}  // namespace
}  // namespace reprise::store
