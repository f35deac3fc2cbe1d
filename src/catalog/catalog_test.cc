// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "catalog/internal/test_catalog.h"

namespace reprise::catalog {
namespace {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;

constexpr int kProcesses = 8;

image::Manifest manifest(const std::string& id, const std::string& key, base::UnixMillis created,
                         image::Trigger trigger = image::Trigger::kStop) {
  return {.id = CheckpointId::parse(id).value(),
          .key = ContainerKey::parse(key).value(),
          .name = "name-of-" + key,
          .trigger = trigger,
          .ended = true,
          .created = created,
          .freeze_ms = 41,
          .cpu_time_us = 5'000'000'000,
          .files = {{"criu/a", 100}, {"criu/b", 23}}};
}

std::vector<std::string> ids_of(const std::vector<CheckpointRow>& rows) {
  std::vector<std::string> ids;
  for (const CheckpointRow& row : rows) ids.push_back(row.id.str());
  return ids;
}

using Ids = std::vector<std::string>;
const ContainerKey kWeb("web");

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() : catalog_(open()) {}

  Catalog open() {
    Result<Catalog> catalog = open_catalog(directory_.path());
    if (!catalog) ADD_FAILURE() << catalog.error().message();
    return std::move(catalog).value();
  }
  void add(const image::Manifest& m, const std::string& tag = "",
           Catalog::Continue continue_from_it = Catalog::Continue::kNo) {
    const Result<void> added = catalog_.add_checkpoint(m, tag, continue_from_it);
    ASSERT_TRUE(added) << added.error().message();
  }

  TestDirectory directory_;
  Catalog catalog_;
};

TEST_F(CatalogTest, FilesArePrivate) {
  add(manifest("aaa111", "web", 1));
  for (const char* name : {"catalog.db", "catalog.db-wal", "catalog.db-shm"}) {
    struct stat status{};
    ASSERT_EQ(::stat((directory_.path() / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(CatalogTest, AllColumnsComeBack) {
  add(manifest("aaa111", "web", 1'795'000'000'123, image::Trigger::kRequest), "golden");
  const auto rows = catalog_.checkpoints();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  const CheckpointRow& row = rows->front();
  EXPECT_EQ(row.id.str(), "aaa111");
  EXPECT_EQ(row.key, kWeb);
  EXPECT_EQ(row.name, "name-of-web");
  EXPECT_EQ(row.tag, "golden");
  EXPECT_EQ(row.trigger, image::Trigger::kRequest);
  EXPECT_TRUE(row.ended);
  EXPECT_EQ(row.created, 1'795'000'000'123);
  EXPECT_EQ(row.freeze_ms, 41);
  EXPECT_EQ(row.bytes, 123U);
  EXPECT_EQ(row.cpu_time_us, 5'000'000'000);
  EXPECT_FALSE(row.pending);
}

TEST_F(CatalogTest, ReopenedCatalogHasEverything) {
  add(manifest("aaa111", "web", 1), "", Catalog::Continue::kYes);
  catalog_ = open();
  EXPECT_EQ(ids_of(catalog_.checkpoints().value()), Ids{"aaa111"});
  EXPECT_EQ(catalog_.continuation(kWeb).value()->checkpoint.str(), "aaa111");
}

TEST_F(CatalogTest, NewestFirstAndByContainer) {
  add(manifest("mid", "web", 20));
  add(manifest("old", "web", 10));
  add(manifest("other", "db", 15));
  add(manifest("new1", "web", 30));
  add(manifest("new2", "web", 30));  // the same millisecond: the later one counts as newer
  EXPECT_EQ(ids_of(catalog_.checkpoints().value()), (Ids{"new2", "new1", "mid", "other", "old"}));
  EXPECT_EQ(ids_of(catalog_.checkpoints(kWeb).value()), (Ids{"new2", "new1", "mid", "old"}));
  EXPECT_TRUE(catalog_.checkpoints(ContainerKey("none"))->empty());
}

TEST_F(CatalogTest, TheSameCheckpointTwiceIsRefused) {
  add(manifest("aaa111", "web", 1));
  const auto again =
      catalog_.add_checkpoint(manifest("aaa111", "db", 2), "", Catalog::Continue::kYes);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kInvalidInput);
  EXPECT_FALSE(catalog_.continuation(ContainerKey("db")).value()) << "half a transaction stayed";
}

TEST_F(CatalogTest, TheNextStartTakesTheNewestThatAskedForIt) {
  add(manifest("first", "web", 1), "", Catalog::Continue::kYes);
  add(manifest("second", "web", 2), "", Catalog::Continue::kYes);
  add(manifest("third", "web", 3));
  EXPECT_EQ(catalog_.continuation(kWeb).value()->checkpoint.str(), "second");
  for (const CheckpointRow& row : value_of(catalog_.checkpoints()))
    EXPECT_EQ(row.pending, row.id.str() == "second") << row.id.str();
}

TEST_F(CatalogTest, FindByIdPrefixAndTag) {
  add(manifest("abcd11", "web", 1), "nightly");
  add(manifest("abcd22", "web", 2));
  add(manifest("xyz", "web", 3), "abcd22x");
  EXPECT_EQ(catalog_.find_checkpoint("abcd22")->id.str(), "abcd22");
  EXPECT_EQ(catalog_.find_checkpoint("abcd2")->id.str(), "abcd22");
  EXPECT_EQ(catalog_.find_checkpoint("xyz")->id.str(), "xyz");
  EXPECT_EQ(catalog_.find_checkpoint("nightly")->id.str(), "abcd11");
  EXPECT_EQ(catalog_.find_checkpoint("abcd22x")->id.str(), "xyz");
  for (const char* unknown : {"", "xy", "abcd3", "night", "%", "___"})
    EXPECT_EQ(catalog_.find_checkpoint(unknown).error().code(), ErrorCode::kNotFound) << unknown;
}

TEST_F(CatalogTest, ExactIdWinsOverPrefixAndTag) {
  add(manifest("abc", "web", 1));
  add(manifest("abcdef", "web", 2), "abc");
  EXPECT_EQ(catalog_.find_checkpoint("abc")->id.str(), "abc");
}

TEST_F(CatalogTest, AmbiguousNamesListTheCandidates) {
  add(manifest("abcd11", "web", 1), "same");
  add(manifest("abcd22", "web", 2), "same");
  add(manifest("zzz", "web", 3), "other");
  for (const char* name : {"abcd", "same"}) {
    const auto found = catalog_.find_checkpoint(name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code(), ErrorCode::kInvalidInput);
    EXPECT_TRUE(found.error().message().contains("'abcd22', 'abcd11'")) << found.error().message();
  }
}

TEST_F(CatalogTest, RemoveTakesTheContinuationAlong) {
  add(manifest("aaa111", "web", 1), "", Catalog::Continue::kYes);
  ASSERT_TRUE(catalog_.remove_checkpoint(CheckpointId("aaa111")));
  EXPECT_TRUE(catalog_.checkpoints()->empty());
  EXPECT_FALSE(catalog_.continuation(kWeb).value());
  EXPECT_TRUE(catalog_.remove_checkpoint(CheckpointId("aaa111"))) << "removing twice is success";
}

TEST_F(CatalogTest, OnlyWhatNobodyNeedsIsRemovedAsUnneeded) {
  add(manifest("tagged", "web", 1), "golden");
  add(manifest("pinned", "web", 2));
  add(manifest("plain", "web", 3));
  add(manifest("pending", "web", 4), "", Catalog::Continue::kYes);
  ASSERT_TRUE(catalog_.set_pin(CheckpointId("pinned"), Catalog::Pin::kYes));
  for (const char* id : {"tagged", "pinned", "pending", "none"})
    EXPECT_FALSE(value_of(catalog_.remove_unneeded(CheckpointId::parse(id).value()))) << id;
  EXPECT_TRUE(value_of(catalog_.remove_unneeded(CheckpointId("plain"))));
  EXPECT_EQ(ids_of(catalog_.checkpoints().value()), (Ids{"pending", "pinned", "tagged"}));
  EXPECT_TRUE(catalog_.continuation(kWeb).value()) << "a continuation was lost";
  ASSERT_TRUE(catalog_.set_pin(CheckpointId("pinned"), Catalog::Pin::kNo));
  EXPECT_TRUE(value_of(catalog_.remove_unneeded(CheckpointId("pinned"))));
  EXPECT_EQ(catalog_.set_pin(CheckpointId("plain"), Catalog::Pin::kYes).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(CatalogTest, PinAndStoredSizeComeBack) {
  add(manifest("aaa111", "web", 1));
  EXPECT_FALSE(value_of(catalog_.find_checkpoint("aaa111")).stored_bytes);
  ASSERT_TRUE(catalog_.set_pin(CheckpointId("aaa111"), Catalog::Pin::kYes));
  ASSERT_TRUE(catalog_.note_stored_bytes(CheckpointId("aaa111"), 77));
  const CheckpointRow row = value_of(catalog_.find_checkpoint("aaa111"));
  EXPECT_TRUE(row.pinned);
  EXPECT_EQ(row.stored_bytes, 77U);
  ASSERT_TRUE(catalog_.note_freeze(CheckpointId("aaa111"), 345));
  EXPECT_EQ(value_of(catalog_.find_checkpoint("aaa111")).freeze_ms, 345);
}

void change_database(const std::filesystem::path& root, const char* sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((root / "catalog.db").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST_F(CatalogTest, CatalogOfANewerVersionIsRefused) {
  change_database(directory_.path(), "PRAGMA user_version = 99");
  const auto catalog = open_catalog(directory_.path());
  ASSERT_FALSE(catalog);
  EXPECT_EQ(catalog.error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(catalog.error().message().contains("newer version of Reprise"));
}

TEST_F(CatalogTest, CopiesAreKeptWithTheirCheckpoint) {
  add(manifest("aaa111", "web", 1));
  add(manifest("bbb222", "web", 2));
  const CheckpointId first("aaa111");
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = first, .remote = "depot", .uploading = true}));
  EXPECT_EQ(catalog_.lacking_copies("depot").value().size(), 2U) << "not whole yet";
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = first, .remote = "depot", .uploading = false}));
  EXPECT_EQ(catalog_.lacking_copies("depot").value(), std::vector{CheckpointId("bbb222")});
  EXPECT_EQ(catalog_.lacking_copies("peer").value().size(), 2U);
  EXPECT_EQ(catalog_.copies().value(),
            std::vector{(Copy{.checkpoint = first, .remote = "depot", .uploading = false})});
  ASSERT_TRUE(catalog_.remove_checkpoint(first));
  EXPECT_TRUE(catalog_.copies().value().empty());
  // Its upload, which goes on for a while, notes nothing.
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = first, .remote = "depot", .uploading = false}));
  EXPECT_TRUE(catalog_.copies().value().empty());
}

TEST_F(CatalogTest, ACopyThatSomebodyRemovedIsNotMadeAgainUnlessItIs) {
  add(manifest("aaa111", "web", 1));
  add(manifest("bbb222", "web", 2));
  const CheckpointId first("aaa111");
  const CheckpointId second("bbb222");
  const Copy copy{.checkpoint = first, .remote = "depot", .uploading = false};
  ASSERT_TRUE(catalog_.note_copy(copy));
  ASSERT_TRUE(catalog_.note_removed_copy(first, "depot"));
  EXPECT_TRUE(catalog_.copies().value().empty());
  EXPECT_EQ(catalog_.lacking_copies("depot").value(), std::vector{second});
  // Of one that was never noted there as well.
  ASSERT_TRUE(catalog_.note_removed_copy(second, "depot"));
  EXPECT_TRUE(catalog_.lacking_copies("depot").value().empty());
  EXPECT_EQ(catalog_.lacking_copies("peer").value().size(), 2U);
  ASSERT_TRUE(catalog_.note_copy(copy));
  EXPECT_EQ(catalog_.copies().value(), std::vector{copy});
  EXPECT_TRUE(catalog_.note_removed_copy(CheckpointId("ccc333"), "depot"));
}

// As the first version made it.
TEST_F(CatalogTest, CatalogOfVersion1IsUpgraded) {
  add(manifest("aaa111", "web", 1), "golden", Catalog::Continue::kYes);
  change_database(directory_.path(),
                  "DROP TABLE copies;"
                  "DROP TABLE consumed_claims;"
                  "ALTER TABLE checkpoints DROP COLUMN pinned;"
                  "ALTER TABLE checkpoints DROP COLUMN stored_bytes;"
                  "ALTER TABLE checkpoints DROP COLUMN made_here;"
                  "ALTER TABLE containers DROP COLUMN sealed_command;"
                  "PRAGMA user_version = 1");
  catalog_ = open();
  const CheckpointRow row = value_of(catalog_.find_checkpoint("golden"));
  EXPECT_EQ(row.id.str(), "aaa111");
  EXPECT_TRUE(row.pending);
  EXPECT_FALSE(row.pinned);
  EXPECT_FALSE(row.stored_bytes);
  ASSERT_TRUE(catalog_.note_copy({.checkpoint = row.id, .remote = "depot"}));
  EXPECT_EQ(catalog_.copies().value().size(), 1U);
}

TEST(CatalogOpenTest, DamagedFileIsCorrupt) {
  TestDirectory directory;
  std::ofstream(directory.path() / "catalog.db") << std::string(8192, 'x');
  const auto catalog = open_catalog(directory.path());
  ASSERT_FALSE(catalog);
  EXPECT_EQ(catalog.error().code(), ErrorCode::kCorrupt);
}

TEST(CatalogOpenTest, MissingDirectoriesAreMade) {
  TestDirectory directory;
  EXPECT_TRUE(open_catalog(directory.path() / "a" / "b"));
}

TEST(CatalogOpenTest, ADirectoryThatCannotBeMadeIsAnError) {
  TestDirectory directory;
  std::ofstream(directory.path() / "file") << "x";
  const auto catalog = open_catalog(directory.path() / "file" / "root");
  ASSERT_FALSE(catalog);
  EXPECT_TRUE(catalog.error().message().contains("opening the catalog"))
      << catalog.error().message();
}

TEST(CatalogOpenTest, AKilledProcessLeavesWhatItsCallsDid) {
  TestDirectory directory;
  sys::Children children;
  children.start([&] {
    auto catalog = open_catalog(directory.path());
    if (!catalog ||
        !catalog->add_checkpoint(manifest("aaa", "web", 1), "", Catalog::Continue::kYes))
      return 1;
    ::kill(::getpid(), SIGKILL);
    return 2;
  });
  EXPECT_EQ(children.wait_for_all(), std::vector<int>{-1});
  auto catalog = open_catalog(directory.path());
  ASSERT_TRUE(catalog);
  EXPECT_EQ(catalog->continuation(kWeb).value()->checkpoint.str(), "aaa");
}

TEST(CatalogOpenTest, EightProcessesOpenAnEmptyDirectoryAtOnce) {
  TestDirectory directory;
  for (int round = 0; round < 5; ++round) {
    const auto root = directory.path() / std::to_string(round);
    sys::Children children;
    for (int i = 0; i < kProcesses; ++i)
      children.start([&, i] {
        children.wait_for_gate();
        auto catalog = open_catalog(root);
        if (!catalog) return 1;
        return catalog->add_checkpoint(manifest("id" + std::to_string(i), "web", i), "",
                                       Catalog::Continue::kNo)
                   ? 0
                   : 2;
      });
    children.open_gate();
    EXPECT_EQ(children.wait_for_all(), std::vector<int>(kProcesses, 0));
    EXPECT_EQ(open_catalog(root)->checkpoints()->size(), std::size_t{kProcesses});
  }
}

}  // namespace
}  // namespace reprise::catalog
