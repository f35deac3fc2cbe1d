// SPDX-License-Identifier: Apache-2.0
//
// "Not known" is never "nothing": what a container that is created goes on from, told by a real
// store and the note in a real bundle.
#include "runtime/continuation.h"

#include <gtest/gtest.h>

#include <fstream>

#include "host/continuation_note.h"
#include "store/open_catalog.h"
#include "sys/test_directory.h"

namespace reprise::runtime {
namespace {

using base::CheckpointId;
using base::ErrorCode;
using catalog::Catalog;
using host::ContinuationNote;
using State = ContinuationNote::State;
namespace fs = std::filesystem;

constexpr base::UnixMillis kTime = 1'800'000'000'000;

class ContinuationTest : public testing::Test {
 protected:
  ContinuationTest() {
    fs::create_directories(bundle_);
    call_.layout = {.store = scratch_ / "store", .run = scratch_ / "run", .runc = "/bin/false"};
    call_.store = store::StoreConfig::at(call_.layout.store);
    creation_.who = {.id = base::ContainerId("c1"), .key = key_, .file_name = "c1"};
    creation_.bundle = bundle_;
  }

  Catalog make_store() { return std::move(*store::open_catalog(call_.store)); }
  void add_checkpoint(Catalog& catalog, base::UnixMillis created) {
    image::Manifest manifest;
    manifest.id = CheckpointId("ckpt00000001");
    manifest.key = key_;
    manifest.created = created;
    ASSERT_TRUE(catalog.add_checkpoint(manifest, "", Catalog::Continue::kYes));
  }
  void note(State state) {
    ContinuationNote note{.state = state, .time = kTime};
    if (state == State::kPending) {
      note.checkpoint = CheckpointId("ckpt00000001");
      note.session = base::SessionId("sess00000001");
      note.store = "/mnt/other/store";
    }
    ASSERT_TRUE(host::write_note(bundle_, note));
  }
  [[nodiscard]] bool is_noted() const { return fs::exists(host::continuation_note_file(bundle_)); }
  void add_session(Catalog& catalog) {
    catalog::SessionRow row{.id = base::SessionId("sess00000001"),
                            .key = key_,
                            .kind = catalog::SessionKind::kCheckpoint,
                            .begin = 1,
                            .status = catalog::SessionStatus::kRunning};
    ASSERT_TRUE(catalog.begin_session(row));
    row.end = 2;
    row.status = catalog::SessionStatus::kOk;
    ASSERT_TRUE(catalog.finish_session(row));
  }

  sys::TestDirectory scratch_;
  fs::path bundle_ = scratch_ / "bundle";
  base::ContainerKey key_{"c1"};
  Call call_;
  Creation creation_;
};

TEST_F(ContinuationTest, LookingMakesNoStore) {
  const auto catalog = open_catalog(call_, creation_);
  ASSERT_TRUE(catalog);
  EXPECT_FALSE(*catalog);
  EXPECT_FALSE(fs::exists(call_.layout.store));
}

TEST_F(ContinuationTest, AStoreThatIsNotThereIsNoAnswerForWhoHasACheckpointInIt) {
  note(State::kPending);
  const auto catalog = open_catalog(call_, creation_);
  ASSERT_FALSE(catalog);
  EXPECT_EQ(catalog.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(catalog.error().message().find("'ckpt00000001'"), std::string::npos);
  EXPECT_NE(catalog.error().hint().find("'/mnt/other/store'"), std::string::npos);
}

TEST_F(ContinuationTest, WhoIsToStartColdNeedsNoStore) {
  note(State::kDropped);
  ASSERT_TRUE(open_catalog(call_, creation_));
  make_store();
  std::ofstream(call_.layout.store / "catalog.db", std::ios::trunc) << "no database";
  const auto damaged = open_catalog(call_, creation_);
  ASSERT_TRUE(damaged) << damaged.error().details();
  EXPECT_FALSE(*damaged);
}

TEST_F(ContinuationTest, ACatalogThatCannotBeReadIsNoAnswer) {
  make_store();
  std::ofstream(call_.layout.store / "catalog.db", std::ios::trunc) << "no database";
  EXPECT_FALSE(open_catalog(call_, creation_));
  note(State::kPending);
  EXPECT_FALSE(open_catalog(call_, creation_));
}

TEST_F(ContinuationTest, ANoteThatCannotBeReadIsNoAnswer) {
  std::ofstream(host::continuation_note_file(bundle_)) << "{";
  EXPECT_EQ(open_catalog(call_, creation_).error().code(), ErrorCode::kCorrupt);
  Catalog catalog = make_store();
  EXPECT_EQ(heed_note(call_, creation_, catalog).error().code(), ErrorCode::kCorrupt);
}

TEST_F(ContinuationTest, AStoreThatIsThereIsOpened) {
  make_store();
  const auto catalog = open_catalog(call_, creation_);
  ASSERT_TRUE(catalog) << catalog.error().details();
  EXPECT_TRUE(*catalog);
}

TEST_F(ContinuationTest, WithoutANoteTheCatalogDecides) {
  Catalog catalog = make_store();
  add_checkpoint(catalog, kTime - 1);
  EXPECT_FALSE(heed_note(call_, creation_, catalog).value());
  EXPECT_TRUE(catalog.continuation(key_).value());
}

TEST_F(ContinuationTest, AColdStartOutlivesAStoreThatWasAway) {
  Catalog catalog = make_store();
  add_checkpoint(catalog, kTime);
  note(State::kDropped);
  EXPECT_TRUE(heed_note(call_, creation_, catalog).value());
  EXPECT_FALSE(catalog.continuation(key_).value()) << "it is older than the cold start";
  EXPECT_TRUE(catalog.find_checkpoint("ckpt00000001")) << "but kept";
  EXPECT_FALSE(is_noted());
}

TEST_F(ContinuationTest, WhatIsNewerThanAColdStartIsGoneOnFrom) {
  Catalog catalog = make_store();
  add_checkpoint(catalog, kTime + 1);
  note(State::kDropped);
  EXPECT_TRUE(heed_note(call_, creation_, catalog).value());
  EXPECT_TRUE(catalog.continuation(key_).value());
  EXPECT_FALSE(is_noted());
}

TEST_F(ContinuationTest, TheStoreThatKnowsTheSessionIsTheRightOne) {
  Catalog catalog = make_store();
  add_checkpoint(catalog, kTime);
  add_session(catalog);
  note(State::kPending);
  EXPECT_FALSE(heed_note(call_, creation_, catalog).value());
  EXPECT_TRUE(is_noted()) << "until the restore";
}

// It started cold, and the checkpoint was in no list.
TEST_F(ContinuationTest, ASessionThatCouldNotBeSettledIsNoAnswer) {
  Catalog catalog = make_store();
  ASSERT_TRUE(catalog.begin_session({.id = base::SessionId("sess00000001"),
                                     .key = key_,
                                     .kind = catalog::SessionKind::kCheckpoint,
                                     .begin = 1,
                                     .status = catalog::SessionStatus::kRunning}));
  note(State::kPending);
  const auto heeded = heed_note(call_, creation_, catalog);
  ASSERT_FALSE(heeded);
  EXPECT_EQ(heeded.error().code(), ErrorCode::kBusy);
  EXPECT_NE(heeded.error().message().find("'ckpt00000001'"), std::string::npos);
  EXPECT_FALSE(heeded.error().hint().empty());
  EXPECT_TRUE(is_noted());
}

TEST_F(ContinuationTest, AnotherStoreInItsPlaceIsNoAnswer) {
  Catalog catalog = make_store();
  note(State::kPending);
  const auto heeded = heed_note(call_, creation_, catalog);
  ASSERT_FALSE(heeded);
  EXPECT_EQ(heeded.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(heeded.error().message().find("'ckpt00000001'"), std::string::npos);
  EXPECT_NE(heeded.error().hint().find("'/mnt/other/store'"), std::string::npos);
  EXPECT_TRUE(is_noted());
}

TEST_F(ContinuationTest, OneThatWasMadeToGoOnDoesNotStartColdInstead) {
  Catalog catalog = make_store();
  EXPECT_TRUE(check_made_whole(creation_, catalog));
  creation_.wishes.restored_from = "ckpt00000009";
  const auto half = check_made_whole(creation_, catalog);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code(), ErrorCode::kGone);
  EXPECT_NE(half.error().hint().find("reprise restore ckpt00000009"), std::string::npos);
  ASSERT_TRUE(
      catalog.add_life_event({.key = key_, .time = 1, .event = catalog::LifeEvent::kRestored}));
  EXPECT_TRUE(check_made_whole(creation_, catalog)) << "it has lived";
}

TEST_F(ContinuationTest, AColdStartIsNotedWhereTheCatalogCannotBeTold) {
  ASSERT_TRUE(begin_anew(creation_, nullptr));
  const auto note = host::read_note(bundle_).value();
  ASSERT_TRUE(note);
  EXPECT_EQ(note->state, State::kDropped);
  EXPECT_GT(note->time, kTime - 1'000'000'000'000);
}

TEST_F(ContinuationTest, AColdStartTheCatalogIsToldNeedsNoNote) {
  Catalog catalog = make_store();
  add_checkpoint(catalog, kTime);
  note(State::kPending);
  ASSERT_TRUE(begin_anew(creation_, &catalog));
  EXPECT_FALSE(catalog.continuation(key_).value());
  EXPECT_FALSE(is_noted());
}

}  // namespace
}  // namespace reprise::runtime
