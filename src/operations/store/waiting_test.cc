// SPDX-License-Identifier: Apache-2.0
//
// One row of the catalog that cannot be read once kept everything from being listed, and 'store
// repair' from mending it.
#include "operations/store/waiting.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/store/checkpoint_list.h"
#include "operations/store/repair.h"
#include "operations/store/verification.h"
#include "sys/files.h"

namespace reprise::operations {
namespace {

using base::CheckpointId;

class WaitingTest : public testing::Test {
 protected:
  // As damage in the file, or somebody's hand: no rule of ours holds for it.
  void change(const std::string& sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((here_.node.store.root / "catalog.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  store::CatalogRepair repair() {
    auto repair = Repair::begin(here_.node);
    EXPECT_TRUE(repair) << repair.error().details();
    EXPECT_FALSE(repair->catalog_damage()) << "SQLite sees nothing wrong with it";
    auto repaired = repair->repair_catalog();
    EXPECT_TRUE(repaired) << repaired.error().details();
    EXPECT_TRUE(unreadable_rows(here_.node)->empty());
    TestProgress progress;
    EXPECT_TRUE(verify_store(here_.node, progress)->damages.empty());
    return std::move(*repaired);
  }
  std::vector<CheckpointId> listed() const {
    const auto list = list_checkpoints(here_.node, "");
    EXPECT_TRUE(list) << list.error().details();
    std::vector<CheckpointId> ids;
    for (const catalog::CheckpointRow& row : list->checkpoints) ids.push_back(row.id);
    return ids;
  }
  sys::TestDirectory between_;
  TestNode here_{between_ / "depot"};
  const CheckpointId good_ = here_.put("good");
  const CheckpointId bad_ = here_.put("bad", "tagged");
};

TEST_F(WaitingTest, ListsGoOnWithoutARowThatCannotBeReadAndItIsNamed) {
  change("UPDATE checkpoints SET key = 'a b' WHERE id = '" + bad_.str() + "'");
  EXPECT_EQ(listed(), std::vector{good_});
  const auto waiting = unreadable_rows(here_.node).value();
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_TRUE(waiting[0].what.contains("'a b'")) << waiting[0].what;
  EXPECT_TRUE(waiting[0].remedy.contains("reprise store repair"));
  const auto named = here_.catalog().find_checkpoint("tagged");
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code(), base::ErrorCode::kCorrupt) << "it is there";
  EXPECT_TRUE(named.error().hint().contains("reprise store repair"));
}

class RewrittenTest : public WaitingTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, RewrittenTest,
                         testing::Values("key = '/'", "trigger_name = 'x'", "id = '.', key = '.'",
                                         // What continues from it names it so as well.
                                         "id = '-'; UPDATE continuations SET checkpoint = '-'; "
                                         "UPDATE checkpoints SET key = '-'"),
                         [](const auto& row) { return std::to_string(row.index); });

TEST_P(RewrittenTest, ARowIsMadeAnewFromItsCheckpoint) {
  ASSERT_TRUE(here_.catalog().set_continuation(base::ContainerKey("@web"), bad_));
  const auto before = here_.catalog().find_checkpoint("tagged").value();
  change("DELETE FROM checkpoints WHERE tag = ''; UPDATE checkpoints SET " +
         std::string(GetParam()));
  const auto repaired = repair();
  EXPECT_EQ(repaired.rewritten, std::vector{bad_});
  EXPECT_TRUE(repaired.set_aside.empty());
  const auto after = here_.catalog().find_checkpoint("tagged");
  ASSERT_TRUE(after) << after.error().details();
  EXPECT_EQ(after->id, bad_);
  EXPECT_EQ(after->key, before.key);
  EXPECT_EQ(after->bytes, before.bytes);
  EXPECT_EQ(after->created, before.created);
  EXPECT_TRUE(after->pending) << "what goes on from it still does";
  EXPECT_EQ(repaired.added, std::vector{good_});
  EXPECT_EQ(listed(), (std::vector{bad_, good_}));
}

TEST_F(WaitingTest, WhatNoCheckpointTellsIsPutAsideByName) {
  auto catalog = here_.catalog();
  ASSERT_TRUE(catalog.add_life_event({.key = base::ContainerKey("@web"), .time = 7}));
  ASSERT_TRUE(catalog.set_continuation(base::ContainerKey("@web"), good_));
  change(
      "UPDATE lives SET event = 'danced'; UPDATE continuations SET key = '//';"
      "UPDATE checkpoints SET key = '-' WHERE tag <> ''");
  std::filesystem::remove(here_.node.store.root / "checkpoints" / bad_.str());
  ASSERT_EQ(unreadable_rows(here_.node)->size(), 3U);
  const auto repaired = repair();
  EXPECT_TRUE(repaired.rewritten.empty());
  ASSERT_EQ(repaired.set_aside.size(), 3U);
  EXPECT_TRUE(std::filesystem::exists(repaired.aside));
  EXPECT_EQ(listed(), std::vector{good_});

  // Nothing is lost: it is told until somebody has looked at it.
  const auto waiting = set_aside(here_.node.layout).value();
  ASSERT_EQ(waiting.size(), 1U);
  EXPECT_TRUE(waiting[0].what.contains(repaired.aside.string())) << waiting[0].what;
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(repaired.aside.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, "SELECT event FROM lives; SELECT tag FROM checkpoints", nullptr,
                         nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  std::filesystem::remove(repaired.aside);
  EXPECT_TRUE(set_aside(here_.node.layout)->empty());
}

// One that cannot be read says by its row all that is known of it.
TEST_F(WaitingTest, TheRowOfADamagedCheckpointStays) {
  change("UPDATE checkpoints SET key = '-' WHERE tag <> ''");
  std::ofstream(here_.node.store.root / "checkpoints" / bad_.str(), std::ios::trunc) << "nothing";
  auto repair = Repair::begin(here_.node);
  const auto repaired = repair->repair_catalog();
  ASSERT_TRUE(repaired) << repaired.error().details();
  ASSERT_EQ(repaired->unreadable.size(), 1U);
  EXPECT_EQ(repaired->unreadable[0].id, bad_);
  EXPECT_TRUE(repaired->set_aside.empty() && repaired->removed.empty());
  EXPECT_EQ(unreadable_rows(here_.node)->size(), 1U);
}

TEST_F(WaitingTest, WhatSessionsPutAsideIsToldUntilItIsGone) {
  EXPECT_TRUE(set_aside(here_.node.layout)->empty());
  const auto place = here_.node.layout.run / "set-aside";
  ASSERT_TRUE(sys::make_directories(place / "sess00000001"));
  ASSERT_TRUE(sys::replace_file(place / "sess00000002.undo.json", "{}"));
  const auto waiting = set_aside(here_.node.layout).value();
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_TRUE(waiting[0].what.contains("'sess00000001'")) << waiting[0].what;
  EXPECT_TRUE(waiting[0].what.contains((place / "sess00000001").string()));
  EXPECT_TRUE(waiting[1].what.contains("'sess00000002' could not undo")) << waiting[1].what;
  EXPECT_TRUE(waiting[1].remedy.contains("reprise logs sess00000002"));
  ASSERT_TRUE(sys::remove_tree(place));
  EXPECT_TRUE(set_aside(here_.node.layout)->empty());
}

}  // namespace
}  // namespace reprise::operations
