// SPDX-License-Identifier: Apache-2.0
#include "pages/pack.h"

#include <gtest/gtest.h>
#include <lz4.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "crypto/test_keys.h"
#include "pages/test_contents.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::pages {
namespace {

using base::ErrorCode;
using crypto::test_keys;
using std::filesystem::path;
using sys::TestDirectory;
using sys::value_of;

base::RawBytes raw(std::string_view text) {
  base::RawBytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

Block block_of(std::size_t pages, unsigned seed) {
  Block block;
  const std::string text =
      noise(pages * kPageBytes / 2, seed) + std::string(pages * kPageBytes / 2, 'x');
  block.pages = raw(text);
  for (std::size_t i = 0; i < pages; ++i) {
    PageId id{};
    id[0] = static_cast<std::byte>(i);
    id[1] = static_cast<std::byte>(seed);
    block.ids.push_back(id);
  }
  return block;
}

std::vector<std::byte> bytes_of(const base::RawBytes& sealed) {
  return {sealed.begin(), sealed.end()};
}

std::vector<const std::byte*> pages_of(const Block& block) {
  std::vector<const std::byte*> pages;
  for (std::size_t i = 0; i < block.ids.size(); ++i)
    pages.push_back(block.pages.data() + i * kPageBytes);
  return pages;
}

class PackTest : public testing::Test {
 protected:
  std::vector<std::byte> sealed(const BlockId& id, std::size_t pages, unsigned seed,
                                Effort effort) {
    const Block block = block_of(pages, seed);
    return bytes_of(value_of(seal_block(keys_.data, id, block.ids, pages_of(block), effort)));
  }

  TestDirectory directory_;
  crypto::TenantKeys keys_ = test_keys();
};

TEST_F(PackTest, BlocksComeBackWhateverTheEffort) {
  for (const Effort effort : {Effort::kLeast, Effort::kFast, Effort::kSmall})
    for (const std::size_t pages : {std::size_t{1}, std::size_t{7}, kBlockPages}) {
      const BlockId id = random_block_id();
      const auto bytes = sealed(id, pages, 5, effort);
      EXPECT_LT(bytes.size(), pages * kPageBytes * 3 / 4) << "it was not compressed";
      const Block back = value_of(open_block(keys_.data, id, bytes));
      EXPECT_EQ(back.ids, block_of(pages, 5).ids);
      EXPECT_TRUE(std::ranges::equal(back.pages, block_of(pages, 5).pages));
    }
}

TEST_F(PackTest, MoreEffortMakesBlocksSmaller) {
  std::string text;
  for (unsigned i = 0; text.size() < kBlockPages * kPageBytes; ++i)
    text += "user-" + std::to_string(i * 7919 % 100'003) + ' ';
  text.resize(kBlockPages * kPageBytes);
  const Block block{.ids = std::vector<PageId>(kBlockPages), .pages = raw(text)};
  std::vector<std::size_t> sizes;
  for (const Effort effort : {Effort::kSmall, Effort::kFast, Effort::kLeast})
    sizes.push_back(
        value_of(seal_block(keys_.data, random_block_id(), block.ids, pages_of(block), effort))
            .size());
  EXPECT_LT(sizes[0], sizes[1]);
  EXPECT_LT(sizes[1], sizes[2]);
}

TEST_F(PackTest, NoiseIsStoredAsItIs) {
  for (const std::size_t pages : {std::size_t{4}, kBlockPages}) {
    const Block block{.ids = std::vector<PageId>(pages), .pages = raw(noise(pages * kPageBytes))};
    const BlockId id = random_block_id();
    const auto bytes =
        bytes_of(value_of(seal_block(keys_.data, id, block.ids, pages_of(block), Effort::kFast)));
    EXPECT_EQ(bytes.size(), 8 + pages * (sizeof(PageId) + kPageBytes) + crypto::kSealOverhead);
    const Block back = value_of(open_block(keys_.data, id, bytes));
    EXPECT_TRUE(std::ranges::equal(back.pages, block.pages));
  }
}

TEST_F(PackTest, PagesAreTakenFromWhereverTheyLie) {
  const Block block = block_of(6, 9);
  const std::vector<const std::byte*> there = pages_of(block);
  const std::vector<const std::byte*> mixed{there[4], there[0], there[1], there[5]};
  const std::vector<PageId> ids{block.ids[4], block.ids[0], block.ids[1], block.ids[5]};
  const BlockId id = random_block_id();
  const auto bytes = bytes_of(value_of(seal_block(keys_.data, id, ids, mixed, Effort::kFast)));
  const Block back = value_of(open_block(keys_.data, id, bytes));
  EXPECT_EQ(back.ids, ids);
  for (std::size_t i = 0; i < mixed.size(); ++i)
    EXPECT_EQ(std::memcmp(back.pages.data() + i * kPageBytes, mixed[i], kPageBytes), 0) << i;
}

// Written by earlier versions.
TEST_F(PackTest, BlocksCompressedByLz4AreRead) {
  const Block block = block_of(3, 2);
  const std::size_t head = 8 + block.ids.size() * sizeof(PageId);
  std::vector<std::byte> plain(head + block.pages.size());
  plain[0] = std::byte{1};  // docs/format/pack.md
  plain[4] = std::byte{3};
  std::memcpy(plain.data() + 8, block.ids.data(), head - 8);
  const int bytes = LZ4_compress_default(
      reinterpret_cast<const char*>(block.pages.data()), reinterpret_cast<char*>(&plain[head]),
      static_cast<int>(block.pages.size()), static_cast<int>(block.pages.size()));
  ASSERT_GT(bytes, 0);
  plain.resize(head + static_cast<std::size_t>(bytes));
  const BlockId id = random_block_id();
  std::string bound = "reprise block 1 ";
  bound.append(reinterpret_cast<const char*>(id.data()), id.size());
  std::vector<std::byte> sealed;
  ASSERT_TRUE(keys_.data.seal(plain, base::as_bytes(bound), sealed));
  const Block back = value_of(open_block(keys_.data, id, sealed));
  EXPECT_EQ(back.ids, block.ids);
  EXPECT_TRUE(std::ranges::equal(back.pages, block.pages));
}

TEST_F(PackTest, ItsIdsAreKnownWithoutItsPages) {
  const BlockId id = random_block_id();
  auto bytes = sealed(id, 7, 3, Effort::kFast);
  EXPECT_EQ(value_of(ids_of_block(keys_.data, id, bytes)), block_of(7, 3).ids);
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(ids_of_block(keys_.data, id, bytes).error().code(), ErrorCode::kCorrupt);
}

TEST_F(PackTest, ABlockOfAnotherPlaceOrKeyIsRefused) {
  const BlockId id = random_block_id();
  const auto bytes = sealed(id, 3, 1, Effort::kFast);
  EXPECT_EQ(open_block(keys_.data, random_block_id(), bytes).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(open_block(test_keys().data, id, bytes).error().code(), ErrorCode::kCorrupt);
}

TEST_F(PackTest, IsReadAndScanned) {
  std::vector<BlockPlace> places;
  std::vector<std::vector<std::byte>> contents;
  {
    auto writer = value_of(PackWriter::create(directory_.path(), "p1", keys_.id));
    for (unsigned i = 0; i < 3; ++i) {
      const BlockId id = random_block_id();
      contents.push_back(sealed(id, i + 1, i, Effort::kFast));
      places.push_back(value_of(writer.append(id, contents.back())));
    }
    ASSERT_TRUE(writer.finish());
  }
  const auto reader = value_of(PackReader::open(directory_.path(), "p1"));
  EXPECT_EQ(reader.key_id(), keys_.id);
  for (std::size_t i = 0; i < places.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(value_of(reader.read(places[i])), contents[i]));
  std::vector<BlockPlace> scanned;
  ASSERT_TRUE(reader.scan([&](const BlockPlace& place) -> Result<void> {
    scanned.push_back(place);
    return {};
  }));
  EXPECT_EQ(scanned, places);
}

TEST_F(PackTest, EveryFlippedBitOfTheHeadersIsFound) {
  BlockPlace place;
  {
    auto writer = value_of(PackWriter::create(directory_.path(), "p1", keys_.id));
    const BlockId id = random_block_id();
    place = value_of(writer.append(id, sealed(id, 1, 1, Effort::kFast)));
    ASSERT_TRUE(writer.finish());
  }
  const path file = pack_file(directory_.path(), "p1");
  const std::string good = read(file);
  constexpr std::size_t kHeaders = 96 + 32;
  ASSERT_EQ(good.size(), kHeaders + place.bytes);
  for (std::size_t bit = 0; bit < kHeaders * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    write(file, bad);
    const auto reader = PackReader::open(directory_.path(), "p1");
    const auto result =
        reader ? reader->read(place) : Result<base::RawBytes>(std::unexpected(reader.error()));
    ASSERT_FALSE(result) << "bit " << bit;
    EXPECT_EQ(result.error().code(), ErrorCode::kCorrupt) << "bit " << bit;
    EXPECT_TRUE(result.error().message().contains("'p1'")) << result.error().message();
  }
}

TEST_F(PackTest, MissingAndCutOffPacksAreNamed) {
  EXPECT_EQ(PackReader::open(directory_.path(), "p1").error().code(), ErrorCode::kNotFound);
  write(pack_file(directory_.path(), "p1"), "RPRS");
  EXPECT_EQ(PackReader::open(directory_.path(), "p1").error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace reprise::pages
