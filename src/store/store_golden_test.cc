// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint and its pack as the first version wrote them, and ones from the future. Nonces are
// random, so that they are read and not compared; REPRISE_ACCEPT=1 makes them anew.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdlib>

#include "crypto/secret.h"
#include "image/digest.h"
#include "pages/contents.h"
#include "pages/page_index.h"
#include "store/move_blocks.h"
#include "store/open_store.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

const path kGolden = REPRISE_GOLDEN;

// 32 bytes that count up from `first`.
crypto::Secret counting(unsigned first) {
  std::vector<std::byte> bytes;
  for (unsigned i = first; i < first + 32; ++i) bytes.push_back(static_cast<std::byte>(i));
  return value_of(crypto::Secret::copy_of(bytes));
}

std::shared_ptr<const OpenStore> open_golden(const path& root) {
  crypto::TenantKeys keys{.data = value_of(crypto::Aead::with_key(counting(0))),
                          .manifests = value_of(crypto::Aead::with_key(counting(32))),
                          .pages = value_of(crypto::PageHasher::with_key(counting(64))),
                          .id = "00112233445566aa"};
  return std::make_shared<OpenStore>(OpenStore{.layout = {.root = root}, .keys = std::move(keys)});
}

// Text that can be compressed, noise that cannot, zeros, and a last page that is not full.
std::string memory() {
  std::string text;
  for (int i = 0; text.size() < 20'000; ++i) text += std::to_string(i) + ' ';
  return text + noise(5000) + std::string(8192, '\0') + "the end";
}

void accept() {
  fs::remove_all(kGolden / "store-v1");
  for (const char* directory : {"staging", "checkpoints", "packs"})
    fs::create_directories(kGolden / "store-v1" / directory);
  {
    auto writer = value_of(begin_checkpoint(open_golden(kGolden / "store-v1"), {}));
    write(writer->pages().spool() / "pages-1.img", memory());
    write(value_of(writer->part("rootfs.tar")), "a part");
    ASSERT_TRUE(writer->pages().absorb());
    ASSERT_TRUE(writer->seal(facts()));
  }
  for (const char* made : {"staging", "index.db", "index.db-wal", "index.db-shm", "catalog.lock"})
    fs::remove_all(kGolden / "store-v1" / made);

  const path packs = kGolden / "store-v1" / "packs";
  std::string pack = read(packs / entries(packs).front());
  pack[8] = 99;                                                              // version
  pack.replace(16, 32, std::string("pack-future") + std::string(21, '\0'));  // id
  const std::uint64_t sum = XXH3_64bits(pack.data(), 88);
  for (std::size_t i = 0; i < 8; ++i) pack[88 + i] = static_cast<char>(sum >> (8 * i));
  write(kGolden / "pack-future.pack", pack.substr(0, 200));

  const std::string line =
      R"({"format":"reprise-checkpoint","version":99,"id":"checkpoint-future",)"
      R"("key":"00112233445566aa","colour":"blue")";
  write(kGolden / "checkpoint-future",
        line + R"(,"checksum":")" + image::digest_of(line + "}") + "\"}\nwhatever comes then");
}

TEST(StoreGoldenTest, TheFirstVersionIsRead) {
  if (std::getenv("REPRISE_ACCEPT") != nullptr) accept();  // NOLINT(concurrency-mt-unsafe)
  // A copy, since a reader puts files together beside the packs.
  TestDirectory directory;
  fs::copy(kGolden / "store-v1", directory.path(), fs::copy_options::recursive);
  fs::create_directories(directory.path() / "staging");
  const auto store = open_golden(directory.path());
  const auto ids = entries(directory.path() / "checkpoints");
  ASSERT_EQ(ids.size(), 1U);
  auto reader = value_of(open_checkpoint(store, CheckpointId::parse(ids.front()).value()));
  EXPECT_EQ(reader->manifest().name, "web");
  EXPECT_TRUE(read(value_of(reader->pages().materialize()) / "pages-1.img") == memory());
  EXPECT_EQ(read(value_of(reader->part("rootfs.tar"))), "a part");
  // Page ids stay the same, or equal pages would be stored again.
  TestDirectory made;
  fs::create_directories(made.path() / "packs");
  pages::PageIndex index = value_of(pages::PageIndex::open(made.path(), store->keys.pages));
  ASSERT_TRUE(index_pack(*store, index, path(entries(directory.path() / "packs").front()).stem()));
  const std::string page = memory().substr(0, 4096);
  const std::vector<pages::PageId> ids_of_pages{
      store->keys.pages.of(std::as_bytes(std::span(page)))};
  EXPECT_TRUE(value_of(index.find(ids_of_pages)).front());
}

TEST(StoreGoldenTest, TheFutureIsRefusedPolitely) {
  const auto store = open_golden("/nonexistent");
  const auto pack = pages::PackReader::open(kGolden, "pack-future");
  ASSERT_FALSE(pack);
  const auto checkpoint = pages::open_contents(store->keys, CheckpointId("checkpoint-future"),
                                               read(kGolden / "checkpoint-future"));
  ASSERT_FALSE(checkpoint);
  for (const base::Error& error : {pack.error(), checkpoint.error()}) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << error.message();
    EXPECT_TRUE(error.message().contains("newer version of Reprise")) << error.message();
    EXPECT_FALSE(error.hint().empty());
  }
}

}  // namespace
}  // namespace reprise::store
