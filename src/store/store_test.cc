// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/checkpoint_store.h"
#include "store/test_store.h"
#include "sys/files.h"

namespace reprise::store {
namespace {

TEST_F(StoreTest, SealedCheckpointIsReadBack) {
  const FilesOf images{{"pages-1.img", noise(3'000'001)},
                       {"pagemap-1.img", "small"},
                       {"empty.img", ""},
                       {"zeros.img", zeros(700)},
                       {"mixed.img", zeros(3) + noise(4096, 2) + zeros(1) + noise(100, 3)}};
  const CheckpointId id = put(images, {{"rootfs.tar", noise(10240, 4)}});
  expect_holds(id, images);
  auto reader = value_of(store_->open(id));
  EXPECT_EQ(reader->manifest().name, "web");
  EXPECT_TRUE(read(value_of(reader->part("rootfs.tar"))) == noise(10240, 4));
  EXPECT_TRUE(read(value_of(reader->part("rootfs.tar"))) == noise(10240, 4)) << "the second time";
  EXPECT_EQ(reader->part("shm.tar").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(reader->part("../rootfs.tar").error().code(), ErrorCode::kInvalidInput);
  EXPECT_TRUE(store_->verify(id));
}

TEST_F(StoreTest, SealReturnsWhatIsStored) {
  auto writer = value_of(store_->begin({}));
  write(writer->pages().spool() / "core-1.img", "core");
  ASSERT_TRUE(writer->pages().absorb());
  const image::Manifest sealed = value_of(writer->seal(facts()));
  EXPECT_EQ(sealed.id, writer->id());
  ASSERT_EQ(sealed.files.size(), 1U);
  EXPECT_EQ(sealed.files[0].name, "criu/core-1.img");
  EXPECT_EQ(sealed.files[0].bytes, 4U);
  EXPECT_EQ(sealed, value_of(store_->manifest(sealed.id)));
  EXPECT_EQ(writer->seal(facts()).error().code(), ErrorCode::kInternal) << "sealed twice";
}

TEST_F(StoreTest, EverythingIsPrivate) {
  put_some();
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    const bool directory = entry.is_directory();
    EXPECT_EQ(entry.status().permissions(), fs::perms{directory ? 0700U : 0600U})
        << entry.path() << " can be read by others";
  }
}

TEST_F(StoreTest, NothingPlainIsOnTheDisk) {
  put({{"pages-1.img", std::string(100'000, 'S') + "the secret of the container"}},
      {{"rootfs.tar", "another secret"}});
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (!entry.is_regular_file()) continue;
    EXPECT_FALSE(read(entry.path()).contains("secret")) << entry.path();
    EXPECT_FALSE(read(entry.path()).contains("pages-1")) << entry.path();
  }
}

// --- what is stored once

TEST_F(StoreTest, PagesOfZerosTakeNoSpace) {
  put({{"pages-1.img", zeros(5000)}});
  EXPECT_EQ(stored(), 0U);
}

TEST_F(StoreTest, EqualPagesOfOneCheckpointAreStoredOnce) {
  const std::string page = noise(4096);
  std::string many;
  for (int i = 0; i < 3000; ++i) many += page;
  const CheckpointId id = put({{"pages-1.img", many}});
  EXPECT_LT(stored(), 3U * 4096);
  expect_holds(id, {{"pages-1.img", many}});
}

TEST_F(StoreTest, ASecondCheckpointStoresOnlyWhatChanged) {
  const std::string first = noise(4'000'000);
  put({{"pages-1.img", first}});
  const std::uint64_t before = stored();
  std::string second = first;
  for (std::size_t at = 0; at < second.size(); at += 20 * 4096) second[at] ^= 1;  // every 20th page
  const CheckpointId id = put({{"pages-1.img", second}});
  EXPECT_LT(stored() - before, before * 8 / 100);
  expect_holds(id, {{"pages-1.img", second}});
}

TEST_F(StoreTest, PagesAreFoundWhereverTheyLie) {
  const std::string a = noise(100 * 4096, 1);
  const std::string b = noise(100 * 4096, 2);
  put({{"pages-1.img", a + b}});
  const std::uint64_t before = stored();
  const CheckpointId id = put({{"pages-7.img", b + zeros(1) + a}});
  EXPECT_EQ(stored(), before);
  expect_holds(id, {{"pages-7.img", b + zeros(1) + a}});
}

TEST_F(StoreTest, AnEarlierCheckpointMayGo) {
  const std::string memory = noise(2'000'000);
  const CheckpointId first = put({{"pages-1.img", memory}});
  const CheckpointId second = put({{"pages-1.img", memory + noise(50'000, 2)}});
  ASSERT_TRUE(store_->remove(first));
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 0U) << "the second needs its pages";
  expect_holds(second, {{"pages-1.img", memory + noise(50'000, 2)}});
}

TEST_F(StoreTest, ThoroughCompressionIsSmaller) {
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i) text += std::to_string(i * 7919) + ", ";
  const auto size = [&](bool waiting) {
    const std::uint64_t before = stored();
    auto writer = value_of(store_->begin({.waiting = waiting}));
    // Else the second would find the pages of the first.
    write(writer->pages().spool() / "pages-1.img", (waiting ? "fast " : "small ") + text);
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal(facts()));
    return stored() - before;
  };
  EXPECT_LT(size(false), size(true) * 9 / 10);
}

// It was once told by errno: a staging directory that was gone read as "there is no such part", and
// a container was restored without its changed files.
TEST_F(StoreTest, WhichPartsThereAreIsNotToldByErrors) {
  const auto reader = value_of(store_->open(put_some()));
  fs::remove_all(root_ / "staging");
  write(root_ / "staging", "no directory");
  EXPECT_FALSE(reader->find_part("rootfs.tar"));
  EXPECT_EQ(value_of(reader->find_part("shm.tar")), std::nullopt);
  fs::remove(root_ / "staging");
  fs::create_directory(root_ / "staging");
  EXPECT_TRUE(value_of(reader->find_part("rootfs.tar")));
}

TEST_F(StoreTest, MorePacksAreOpenedThanFilesAreAllowed) {
  constexpr int kCheckpoints = 150;
  FilesOf images;
  for (int i = 0; i < kCheckpoints; ++i) {
    const std::string page = noise(4096, unsigned(i + 1));
    put({{"pages-1.img", page}});
    images["pages-1.img"] += page;
  }
  sys::Children children;
  children.start([&] {
    const rlimit limit{.rlim_cur = 140, .rlim_max = 4096};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    const CheckpointId all = put(images);
    auto reader = store_->open(all);
    if (!reader) return 2;
    const auto spool = (*reader)->pages().materialize();
    return spool && read(*spool / "pages-1.img") == images["pages-1.img"] ? 0 : 3;
  });
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{0});
}

// --- what is not sealed

TEST_F(StoreTest, UnsealedWriterLeavesNothing) {
  path spool;
  {
    auto writer = value_of(store_->begin({.in_files = 1 << 20}));
    spool = writer->pages().spool();
    write(spool / "pages-1.img", noise(2'000'000));
    ASSERT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(store_->list()->empty());
  }
  EXPECT_FALSE(fs::exists(spool));
  EXPECT_TRUE(entries(root_ / "staging").empty());
  EXPECT_TRUE(entries(packs()).empty());
}

TEST_F(StoreTest, WritersAndReadersLeaveOnlyTheCheckpoint) {
  const CheckpointId id = put_some();
  {
    auto reader = value_of(store_->open(id));
    ASSERT_TRUE(reader->pages().materialize());
    ASSERT_TRUE(reader->part("rootfs.tar"));
    EXPECT_FALSE(entries(root_ / "staging").empty());
  }
  EXPECT_TRUE(entries(root_ / "staging").empty());
  EXPECT_EQ(entries(root_ / "checkpoints"), std::vector{id.str()});
}

// Places that had been moved from removed "staging" of the working directory.
TEST_F(StoreTest, NothingInTheWorkingDirectoryIsTouched) {
  fs::create_directories(directory_.path() / "elsewhere" / "staging" / "mine");
  const path before = fs::current_path();
  fs::current_path(directory_.path() / "elsewhere");
  const CheckpointId id = put_some();
  ASSERT_TRUE(value_of(store_->open(id))->pages().materialize());
  EXPECT_TRUE(fs::exists("staging/mine"));
  fs::current_path(before);
}

TEST_F(StoreTest, MemoryIsSpooledInMemoryWhereThereIsRoom) {
  EXPECT_TRUE(value_of(store_->begin({.in_files = 1 << 20}))
                  ->pages()
                  .spool()
                  .string()
                  .starts_with("/dev/shm/"));
  EXPECT_TRUE(value_of(store_->begin({.in_files = std::uint64_t{1} << 50}))
                  ->pages()
                  .spool()
                  .string()
                  .starts_with(root_.string()));
}

TEST_F(StoreTest, OnlyRegularFilesAreAbsorbed) {
  for (const bool link : {true, false}) {
    auto writer = value_of(store_->begin({}));
    const path file = writer->pages().spool() / "pages-1.img";
    if (link)
      fs::create_symlink("/etc/passwd", file);
    else
      ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    const auto absorbed = writer->pages().absorb();
    ASSERT_FALSE(absorbed);
    EXPECT_EQ(absorbed.error().code(), ErrorCode::kUnsupported);
    EXPECT_TRUE(absorbed.error().message().contains("'pages-1.img'"));
  }
}

TEST_F(StoreTest, SpoolThatWasNotAbsorbedIsNotSealed) {
  auto writer = value_of(store_->begin({}));
  write(writer->pages().spool() / "core-1.img", "core");
  EXPECT_FALSE(writer->seal(facts()));
  ASSERT_TRUE(writer->pages().absorb());
  write(writer->pages().spool() / "core-2.img", "later");
  EXPECT_FALSE(writer->seal(facts()));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_F(StoreTest, NamesStayInside) {
  auto writer = value_of(store_->begin({}));
  for (const char* name : {"../x", "a/b", "", ".hidden"})
    EXPECT_EQ(writer->part(name).error().code(), ErrorCode::kInvalidInput) << name;
  // Other texts are no ids.
  EXPECT_EQ(store_->open(CheckpointId()).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store_->remove(CheckpointId()));
}

// --- removal

TEST_F(StoreTest, RemovedCheckpointIsGone) {
  const CheckpointId id = put_some();
  ASSERT_TRUE(store_->remove(id));
  EXPECT_EQ(store_->open(id).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store_->list()->empty());
  EXPECT_TRUE(store_->remove(id)) << "a second time";
}

TEST_F(StoreTest, CollectingTellsWhatBecameFree) {
  put({{"pages-1.img", noise(100'000, 2)}});
  const std::uint64_t kept = stored();
  const CheckpointId id = put_some();
  const std::uint64_t more = stored() - kept;
  ASSERT_TRUE(store_->remove(id));
  const Collected collected = value_of(store_->collect(kPatience));
  EXPECT_EQ(collected.packs, 1U);
  EXPECT_EQ(collected.bytes, more);
  EXPECT_EQ(collected.waiting, 0U);
  EXPECT_EQ(stored(), kept);
}

TEST_F(StoreTest, OpenedCheckpointIsReadToItsEnd) {
  const FilesOf images{{"pages-1.img", noise(2'000'000)}};
  const CheckpointId id = put(images);
  auto reader = value_of(store_->open(id));
  ASSERT_TRUE(store_->remove(id));
  EXPECT_EQ(value_of(store_->collect(kPatience)).packs, 1U);
  const path spool = value_of(reader->pages().materialize());
  EXPECT_TRUE(read(spool / "pages-1.img") == images.at("pages-1.img"));
}

TEST_F(StoreTest, ListIsSorted) {
  std::vector<CheckpointId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(put({{"core.img", "x"}}));
  std::ranges::sort(ids);
  EXPECT_EQ(value_of(store_->list()), ids);
}

TEST_F(StoreTest, TellsWhatItUses) {
  put({{"pages-1.img", noise(1'000'000)}});
  put({{"pages-1.img", noise(1'000'000)}});
  const StoreUse use = value_of(store_->use());
  EXPECT_EQ(use.checkpoints, 2U);
  EXPECT_EQ(use.logical_bytes, 2'000'000U);
  EXPECT_EQ(use.unique_bytes, 1'000'000U);
  EXPECT_GT(use.stored_bytes, 1'000'000U);
  EXPECT_LT(use.stored_bytes, 1'100'000U);
}

// Whole pages of what the index knew were compared with bytes of what there was.
TEST_F(StoreTest, WhatIsUniqueIsNeverMoreThanWhatThereIs) {
  FilesOf small;
  for (int i = 0; i < 20; ++i)
    small.emplace("core-" + std::to_string(i) + ".img",
                  std::string(10, static_cast<char>('a' + i)));
  const CheckpointId first = put(small);
  EXPECT_EQ(value_of(store_->use()).logical_bytes, 200U);
  EXPECT_EQ(value_of(store_->use()).unique_bytes, 200U);
  put({{"pages-1.img", noise(100'000)}, {"pages-2.img", std::string(50'000, '\0')}});
  EXPECT_EQ(value_of(store_->use()).unique_bytes, 100'200U);
  ASSERT_TRUE(store_->remove(first));
  const StoreUse use = value_of(store_->use());
  EXPECT_EQ(use.logical_bytes, 150'000U);
  EXPECT_EQ(use.unique_bytes, 100'000U) << "of what is gone, too, until a gc";
}

TEST_F(StoreTest, DirectoriesOfAnOlderVersionAreNamed) {
  fs::create_directories(root_ / "checkpoints" / "old");
  const auto opened = store_->open(CheckpointId("old"));
  EXPECT_EQ(opened.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(opened.error().message().contains("older version"));
}

TEST_F(StoreTest, AnotherKeyIsDenied) {
  const CheckpointId id = put_some();
  key_ = directory_.path() / "other";
  const auto opened = open_store(at(root_));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kDenied);
  EXPECT_FALSE(opened.error().hint().empty());
}

TEST_F(StoreTest, AnyPartOfAnImageFileIsRead) {
  // Zeros, more than a block, a page that is there already, and an end in the middle of a page.
  const std::string memory =
      zeros(3) + noise(2'000'000 / 4096 * 4096) + zeros(1) + noise(4096) + noise(1000, 5);
  const CheckpointId id = put({{"pages-1.img", memory}});
  auto reader = value_of(store_->open(id));
  std::mt19937_64 random(3);  // NOLINT: the same in every run
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t offset = random() % (memory.size() + 1);
    std::string part(random() % std::min<std::uint64_t>(memory.size() - offset + 1, 20'000), '?');
    const auto done =
        reader->pages().read("pages-1.img", offset, std::as_writable_bytes(std::span(part)));
    ASSERT_TRUE(done) << done.error().details();
    EXPECT_TRUE(memory.compare(offset, part.size(), part) == 0) << "from " << offset;
  }
  std::string byte(1, '?');
  const auto into = std::as_writable_bytes(std::span(byte));
  EXPECT_EQ(reader->pages().read("pages-1.img", memory.size(), into).error().code(),
            ErrorCode::kInvalidInput);
  EXPECT_EQ(reader->pages().read("pages-2.img", 0, into).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::store
