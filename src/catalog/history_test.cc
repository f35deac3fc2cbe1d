// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "catalog/catalog.h"
#include "catalog/internal/schema.h"
#include "catalog/internal/test_catalog.h"
#include "sqlite/statement.h"
#include "sys/files.h"

namespace reprise::catalog {
namespace {

using base::CheckpointId;
using base::ContainerKey;
using base::ErrorCode;
using base::SessionId;

const ContainerKey kWeb("web");

class HistoryTest : public testing::Test {
 protected:
  // Whether the bytes are in any file of the store, its key aside.
  bool is_in_files(const std::string& text) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path()))
      if (entry.is_regular_file() && sys::read_file(entry.path())->contains(text)) return true;
    return false;
  }
  void change_database(const std::string& sql) {
    auto db = value_of(sqlite::open_database(directory_.path(), kCatalogSchema));
    ASSERT_TRUE(sqlite::run_script(db.get(), sql.c_str()));
  }

  TestDirectory directory_;
  Catalog catalog_ = open_catalog(directory_.path()).value();
};

TEST_F(HistoryTest, LivesComeBackOldestFirst) {
  const LifeRow checkpointed{.key = kWeb,
                             .time = 200,
                             .event = LifeEvent::kCheckpointed,
                             .session = SessionId("s1"),
                             .checkpoint = CheckpointId("c1"),
                             .detail = "stop",
                             .freeze_ms = 12,
                             .bytes = 4096,
                             .cpu_time_us = 77};
  const LifeRow restored{.key = kWeb,
                         .time = 300,
                         .event = LifeEvent::kRestored,
                         .session = SessionId("s2"),
                         .checkpoint = CheckpointId("c1"),
                         .restore_ms = 450,
                         .cpu_time_us = 77};
  ASSERT_TRUE(catalog_.add_life_event(restored));
  ASSERT_TRUE(catalog_.add_life_event(checkpointed));
  ASSERT_TRUE(catalog_.add_life_event({.key = kWeb, .time = 100}));
  ASSERT_TRUE(catalog_.add_life_event({.key = ContainerKey("db"), .time = 150}));
  ASSERT_TRUE(catalog_.add_life_event({.key = kWeb, .time = 300, .event = LifeEvent::kEnded}));

  const auto lives = catalog_.lives(kWeb);
  ASSERT_TRUE(lives);
  ASSERT_EQ(lives->size(), 4U);
  EXPECT_EQ((*lives)[0].event, LifeEvent::kStarted);
  EXPECT_EQ((*lives)[3].event, LifeEvent::kEnded);
  const LifeRow& row = (*lives)[1];
  EXPECT_EQ(row.key, kWeb);
  EXPECT_EQ(row.time, 200);
  EXPECT_EQ(row.event, LifeEvent::kCheckpointed);
  EXPECT_EQ(row.session.str(), "s1");
  EXPECT_EQ(row.checkpoint.str(), "c1");
  EXPECT_EQ(row.detail, "stop");
  EXPECT_EQ(row.freeze_ms, 12);
  EXPECT_EQ(row.bytes, 4096U);
  EXPECT_EQ(row.cpu_time_us, 77);
  EXPECT_EQ((*lives)[2].restore_ms, 450);
}

TEST_F(HistoryTest, EveryEventIsStored) {
  const std::vector<LifeEvent> events{LifeEvent::kStarted, LifeEvent::kCheckpointed,
                                      LifeEvent::kEnded, LifeEvent::kRestored,
                                      LifeEvent::kRestoreFailed};
  for (const LifeEvent event : events)
    ASSERT_TRUE(catalog_.add_life_event({.key = kWeb, .time = 1, .event = event}));
  std::vector<LifeEvent> stored;
  for (const LifeRow& row : value_of(catalog_.lives(kWeb))) stored.push_back(row.event);
  EXPECT_EQ(stored, events);
  EXPECT_EQ(to_string(LifeEvent::kRestoreFailed), "restore-failed");
}

TEST_F(HistoryTest, ManyProcessesWriteAtOnce) {
  constexpr int kProcesses = 8;
  constexpr int kEvents = 20;
  sys::Children children;
  for (int i = 0; i < kProcesses; ++i)
    children.start([&] {
      children.wait_for_gate();
      auto catalog = open_catalog(directory_.path());
      if (!catalog) return 1;
      for (int n = 0; n < kEvents; ++n)
        if (!catalog->add_life_event({.key = kWeb, .time = n})) return 2;
      return 0;
    });
  children.open_gate();
  EXPECT_EQ(children.wait_for_all(), std::vector<int>(kProcesses, 0));
  EXPECT_EQ(catalog_.lives(kWeb)->size(), std::size_t{kProcesses * kEvents});
}

ContainerRow container_row(const std::string& key, const std::string& name) {
  return {.key = ContainerKey::parse(key).value(),
          .name = name,
          .image = "docker.io/library/redis:7",
          .create_command = R"(["podman","run","redis:7"])",
          .command_image_index = 2};
}

TEST_F(HistoryTest, ContainersAreReplaced) {
  EXPECT_FALSE(catalog_.container(kWeb).value());
  ASSERT_TRUE(catalog_.put_container(container_row("web", "old")));
  ASSERT_TRUE(catalog_.put_container(container_row("web", "new")));
  const auto row = catalog_.container(kWeb).value();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name, "new");
  EXPECT_EQ(row->image, "docker.io/library/redis:7");
  EXPECT_EQ(row->create_command, R"(["podman","run","redis:7"])");
  EXPECT_EQ(row->command_image_index, 2);
  EXPECT_TRUE(catalog_.containers_named("old")->empty());
}

// `podman run --env SECRET=…` lay in the catalog for whoever could read the file, for good.
TEST_F(HistoryTest, CommandsAreNotInTheFile) {
  ContainerRow row = container_row("web", "web");
  row.create_command = R"(["podman","run","--env","SECRET=hunter2","redis:7"])";
  ASSERT_TRUE(catalog_.put_container(row));
  EXPECT_EQ(catalog_.container(kWeb).value()->create_command, row.create_command);
  EXPECT_EQ(value_of(catalog_.container_name(kWeb)), "web");
  EXPECT_EQ(value_of(catalog_.container_name(ContainerKey("none"))), "");
  EXPECT_FALSE(is_in_files("hunter2"));
}

TEST_F(HistoryTest, CommandsOfOlderVersionsAreSealedWhenTheCatalogIsOpened) {
  for (const char* secret : {"hunter2", "hunter3"})  // of which one is replaced
    change_database(
        std::string("INSERT OR REPLACE INTO containers (key, name, image,"
                    " create_command, command_image_index) VALUES ('web', 'web', 'i', '") +
        secret + "', 3)");
  EXPECT_TRUE(is_in_files("hunter3"));
  catalog_ = value_of(open_catalog(directory_.path()));
  EXPECT_EQ(catalog_.container(kWeb).value()->create_command, "hunter3");
  EXPECT_EQ(catalog_.container(kWeb).value()->command_image_index, 3);
  EXPECT_FALSE(is_in_files("hunter"));
}

TEST_F(HistoryTest, ACommandGoesWithTheLastCheckpoint) {
  const image::Manifest one{.id = base::CheckpointId("one"), .key = kWeb, .name = "web"};
  const image::Manifest two{.id = base::CheckpointId("two"), .key = kWeb, .name = "web"};
  for (const auto& manifest : {one, two})
    ASSERT_TRUE(catalog_.add_checkpoint(manifest, "", Catalog::Continue::kNo));
  ASSERT_TRUE(catalog_.put_container(container_row("web", "web")));
  ASSERT_TRUE(catalog_.remove_checkpoint(one.id));
  EXPECT_NE(catalog_.container(kWeb).value()->create_command, "");
  ASSERT_TRUE(catalog_.remove_unneeded(two.id));
  EXPECT_EQ(catalog_.container(kWeb).value()->create_command, "");
  EXPECT_EQ(catalog_.container(kWeb).value()->name, "web");
  ASSERT_TRUE(catalog_.put_container(container_row("other", "other")));
  EXPECT_EQ(value_of(catalog_.forget_needless_commands()), 1);
}

TEST_F(HistoryTest, ACommandSealedForAnotherContainerIsNotTaken) {
  ASSERT_TRUE(catalog_.put_container(container_row("web", "web")));
  change_database("UPDATE containers SET key = 'other'");
  EXPECT_EQ(catalog_.container(ContainerKey("other")).error().code(), ErrorCode::kCorrupt);
}

TEST_F(HistoryTest, ContainersOfOneNameMostRecentlyPutFirst) {
  for (const char* key : {"k1", "k2", "k3", "k1"})
    ASSERT_TRUE(catalog_.put_container(container_row(key, "web")));
  std::string keys;
  for (const ContainerRow& row : value_of(catalog_.containers_named("web"))) keys += row.key.str();
  EXPECT_EQ(keys, "k1k3k2");
}

SessionRow session_row(const std::string& id, base::UnixMillis begin) {
  return {.id = SessionId::parse(id).value(),
          .key = kWeb,
          .kind = SessionKind::kCheckpoint,
          .trigger = "stop",
          .begin = begin,
          .log_directory = "/var/log/reprise/" + id};
}

TEST_F(HistoryTest, ASessionRunsAndFinishes) {
  ASSERT_TRUE(catalog_.begin_session(session_row("abc1", 10)));
  SessionRow row = catalog_.find_session("abc1").value();
  EXPECT_EQ(row.status, SessionStatus::kRunning);
  EXPECT_EQ(row.end, 0);
  EXPECT_EQ(row.key, kWeb);
  EXPECT_EQ(row.kind, SessionKind::kCheckpoint);
  EXPECT_EQ(row.trigger, "stop");
  EXPECT_EQ(row.begin, 10);
  EXPECT_EQ(row.log_directory, "/var/log/reprise/abc1");

  ASSERT_EQ(catalog_.running_sessions().value().size(), 1U);
  EXPECT_EQ(catalog_.running_sessions().value().front().id, row.id);

  row.end = 99;
  row.status = SessionStatus::kFailed;
  row.reason = "criu failed";
  row.hint = "do this";
  row.checkpoint = CheckpointId("c1");
  row.phases = R"({"dump":80})";
  ASSERT_TRUE(catalog_.finish_session(row));
  const SessionRow finished = catalog_.find_session("abc1").value();
  EXPECT_TRUE(catalog_.running_sessions().value().empty());
  EXPECT_EQ(finished.end, 99);
  EXPECT_EQ(finished.status, SessionStatus::kFailed);
  EXPECT_EQ(finished.reason, "criu failed");
  EXPECT_EQ(finished.hint, "do this");
  EXPECT_EQ(finished.checkpoint.str(), "c1");
  EXPECT_EQ(finished.phases, R"({"dump":80})");
}

TEST_F(HistoryTest, AFinishedSessionIsNeverChanged) {
  SessionRow row = session_row("abc1", 10);
  ASSERT_TRUE(catalog_.begin_session(row));
  row.status = SessionStatus::kOk;
  row.end = 20;
  ASSERT_TRUE(catalog_.finish_session(row));
  row.status = SessionStatus::kFailed;
  EXPECT_EQ(catalog_.finish_session(row).error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(catalog_.find_session("abc1")->status, SessionStatus::kOk);
}

TEST_F(HistoryTest, UnknownSessions) {
  EXPECT_EQ(catalog_.finish_session(session_row("none", 1)).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(catalog_.find_session("none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(catalog_.find_session("").error().code(), ErrorCode::kNotFound);
}

TEST_F(HistoryTest, SessionsNewestFirstWithLimit) {
  for (const auto& [id, begin] : {std::pair("s2", 20), std::pair("s3", 30), std::pair("s1", 10)})
    ASSERT_TRUE(catalog_.begin_session(session_row(id, begin)));
  std::string ids;
  for (const SessionRow& row : value_of(catalog_.sessions(2))) ids += row.id.str();
  EXPECT_EQ(ids, "s3s2");
  EXPECT_TRUE(catalog_.sessions(0)->empty());
  SessionRow other = session_row("other", 40);
  other.key = base::ContainerKey("other");
  ASSERT_TRUE(catalog_.begin_session(other));
  EXPECT_EQ(catalog_.sessions_of(kWeb, 1)->front().id.str(), "s3");
  EXPECT_EQ(catalog_.sessions_of(kWeb, 9)->size(), 3U);
  EXPECT_EQ(catalog_.begin_session(session_row("s1", 1)).error().code(), ErrorCode::kInvalidInput);
}

// However many sessions there were since, and only of that name.
TEST_F(HistoryTest, SessionsAndLivesOfANameUnderWhateverRuntime) {
  int count = 0;
  const auto add = [&](const char* key, SessionKind kind, const char* trigger) {
    SessionRow row{.id = SessionId::parse("session" + std::to_string(++count)).value(),
                   .key = ContainerKey::parse(key).value(),
                   .kind = kind,
                   .trigger = trigger,
                   .begin = count};
    ASSERT_TRUE(catalog_.begin_session(row));
    row.status = SessionStatus::kOk;
    row.checkpoint = CheckpointId::parse("ckpt" + std::to_string(count)).value();
    ASSERT_TRUE(catalog_.finish_session(row));
  };
  add("k8s.io/@pod:1:app", SessionKind::kCheckpoint, "stop");
  add("@pod:1:app", SessionKind::kCheckpoint, "stop");
  add("k8s.io/@pod:1:app", SessionKind::kCheckpoint, "request");
  add("k8s.io/@pod:1:app", SessionKind::kRestore, "");
  add("@x@pod:1:app", SessionKind::kCheckpoint, "stop");
  add("k8s.io/@pod:11:app", SessionKind::kCheckpoint, "stop");
  const auto found = value_of(catalog_.sessions_named(base::KeyName("pod:1:app"), 10));
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].id.str(), "session4");
  EXPECT_EQ(found[3].id.str(), "session1");
  for (const char* key : {"k8s.io/@pod:1:app", "@x@pod:1:app", "@pod:11:app", "@pod:1:app"})
    ASSERT_TRUE(catalog_.add_life_event({.key = ContainerKey::parse(key).value(), .time = 1}));
  EXPECT_EQ(value_of(catalog_.lives_named(base::KeyName("pod:1:app"))).size(), 2U);
  EXPECT_TRUE(value_of(catalog_.was_restored(CheckpointId("ckpt4"))));
  EXPECT_FALSE(value_of(catalog_.was_restored(CheckpointId("ckpt1"))));
}

TEST_F(HistoryTest, SessionPrefixes) {
  for (const char* id : {"abc", "abcd", "abce", "xyz"})
    ASSERT_TRUE(catalog_.begin_session(session_row(id, 1)));
  EXPECT_EQ(catalog_.find_session("abc")->id.str(), "abc");
  EXPECT_EQ(catalog_.find_session("x")->id.str(), "xyz");
  EXPECT_EQ(catalog_.find_session("abce")->id.str(), "abce");
  const auto ambiguous = catalog_.find_session("ab");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code(), ErrorCode::kInvalidInput);
  EXPECT_TRUE(ambiguous.error().message().contains("'abc', 'abcd'")) << ambiguous.error().message();
}

}  // namespace
}  // namespace reprise::catalog
