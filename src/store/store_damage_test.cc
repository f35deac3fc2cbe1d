// SPDX-License-Identifier: Apache-2.0
//
// Ten thousand flipped bits, in every kind of file: each is told or does no harm, and nothing is
// ever read that was not stored.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

#include "catalog/catalog.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "store/test_store.h"

namespace reprise::store {
namespace {

// The same in every run; told with each failure.
constexpr unsigned kSeed = 20261124;

// One bit of a file, flipped as long as it exists. In place: files keep their inode and locks.
class Flip {
 public:
  Flip(path file, std::mt19937& random)
      : file_(std::move(file)), at_(random() % fs::file_size(file_)), bit_(random() % 8) {
    flip();
  }
  ~Flip() { flip(); }
  Flip(const Flip&) = delete;
  Flip& operator=(const Flip&) = delete;
  Flip(Flip&&) = delete;
  Flip& operator=(Flip&&) = delete;

  [[nodiscard]] std::string where() const {
    return file_.string() + " byte " + std::to_string(at_) + " bit " + std::to_string(bit_) +
           ", seed " + std::to_string(kSeed);
  }

 private:
  void flip() const {
    std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at_));
    const auto byte = static_cast<unsigned>(stream.get());
    stream.seekp(static_cast<std::streamoff>(at_));
    stream.put(static_cast<char>(byte ^ (1U << bit_)));
  }
  path file_;
  std::uint64_t at_;
  unsigned bit_;
};

class DamageTest : public StoreTest {
 protected:
  void SetUp() override {
    id_ = put(images_, {{"rootfs.tar", noise(3000, 3)}});
    catalog::Catalog catalog = value_of(open_catalog(at(root_)));
    ASSERT_TRUE(catalog.add_checkpoint(value_of(store_->manifest(id_)), "safe",
                                       catalog::Catalog::Continue::kYes));
    pack_ = packs() / entries(packs()).front();
  }
  // Whether the checkpoint can be read; then it must be what was stored.
  bool reads_right() {
    auto reader = store_->open(id_);
    if (!reader) return false;
    const auto spool = (*reader)->pages().materialize();
    if (!spool) return false;
    for (const auto& [name, contents] : images_)
      EXPECT_TRUE(read(*spool / name) == contents) << name << " is not what was stored";
    return true;
  }

  const FilesOf images_{{"pages-1.img", noise(3 * 4096) + zeros(1)}, {"core-1.img", "core"}};
  CheckpointId id_;
  path pack_;
  std::mt19937 random_{kSeed};  // NOLINT: the same in every run
};

TEST_F(DamageTest, OfPacksAndCheckpointsIsNamed) {
  const path checkpoint = root_ / "checkpoints" / id_.str();
  for (int round = 0; round < 7000; ++round) {
    const path& file = round % 2 == 0 ? pack_ : checkpoint;
    const Flip flip(file, random_);
    const auto verified = store_->verify(id_);
    ASSERT_FALSE(verified) << flip.where();
    ASSERT_EQ(verified.error().code(), ErrorCode::kCorrupt) << flip.where();
    ASSERT_TRUE(verified.error().message().contains(id_.str())) << flip.where();
    ASSERT_TRUE(file != pack_ || verified.error().message().contains(pack_.stem().string()))
        << flip.where() << ": " << verified.error().message();
    const bool read_too = round % 20 < 2;
    ASSERT_FALSE(read_too && reads_right()) << flip.where();
  }
  EXPECT_TRUE(reads_right()) << "undone, it is whole again";
}

TEST_F(DamageTest, OfKeysIsNamed) {
  const path tenant = root_ / "keys" / "default.json";
  const path key = directory_.path() / "key";
  for (int round = 0; round < 2000; ++round) {
    const path& file = round % 2 == 0 ? tenant : key;
    const Flip flip(file, random_);
    const auto opened = open_store(at(root_));
    // Of the key itself, which is text with spaces around, some bits mean nothing.
    if (opened && file == key) {
      ASSERT_TRUE((*opened)->verify(id_)) << flip.where();
      continue;
    }
    ASSERT_FALSE(opened) << flip.where();
    ASSERT_TRUE(opened.error().message().contains(file == key ? root_.string() : tenant.string()))
        << flip.where() << ": " << opened.error().message();
  }
  EXPECT_TRUE(open_store(at(root_)));
}

// SQLite does not notice each of them. But the catalog only names checkpoints: what it names is
// whole, or is not there.
TEST_F(DamageTest, OfTheCatalogRestoresNothingElse) {
  const path catalog_file = root_ / "catalog.db";
  const std::string good = read(catalog_file);
  for (int round = 0; round < 900; ++round) {
    std::string where;
    {
      const Flip flip(catalog_file, random_);
      where = flip.where();
      auto catalog = open_catalog(at(root_));
      if (!catalog) {
        ASSERT_TRUE(catalog.error().message().contains("catalog")) << where;
        continue;
      }
      const auto next = catalog->continuation(base::ContainerKey("web"));
      ASSERT_TRUE(next || next.error().message().contains("catalog.db")) << where;
      std::vector<CheckpointId> named;
      if (next && *next) named.push_back((*next)->checkpoint);
      for (const catalog::CheckpointRow& row :
           catalog->checkpoints().value_or(std::vector<catalog::CheckpointRow>()))
        named.push_back(row.id);
      for (const CheckpointId& id : named)
        ASSERT_TRUE(id == id_ || store_->manifest(id).error().code() == ErrorCode::kNotFound)
            << where;
    }
    if (read(catalog_file) != good) write(catalog_file, good);
    for (const char* log : {"catalog.db-wal", "catalog.db-shm"}) fs::remove(root_ / log);
  }
  EXPECT_TRUE(reads_right());
}

TEST_F(DamageTest, OfTheIndexMakesNoWrongPage) {
  store_ = value_of(open_store(at(root_)));
  const path index = root_ / "index.db";
  const std::string good = read(index);
  for (int round = 0; round < 100; ++round) {
    std::string where;
    {
      const Flip flip(index, random_);
      where = flip.where();
      auto writer = store_->begin({});
      if (writer) {
        write((*writer)->pages().spool() / "pages-1.img", images_.at("pages-1.img"));
        const auto absorbed = (*writer)->pages().absorb();
        const auto sealed =
            absorbed ? (*writer)->seal(facts()) : std::unexpected(base::Error(absorbed.error()));
        ASSERT_TRUE(sealed || sealed.error().message().contains("index"))
            << where << ": " << sealed.error().message();
        if (sealed) {
          SCOPED_TRACE(where);
          expect_holds(sealed->id, {{"pages-1.img", images_.at("pages-1.img")}});
          ASSERT_TRUE(store_->remove(sealed->id));
        }
      } else {
        ASSERT_TRUE(writer.error().message().contains("index")) << writer.error().message();
      }
    }
    if (read(index) != good) write(index, good);
    for (const char* log : {"index.db-wal", "index.db-shm"}) fs::remove(root_ / log);
  }
  EXPECT_TRUE(reads_right());
}

}  // namespace
}  // namespace reprise::store
