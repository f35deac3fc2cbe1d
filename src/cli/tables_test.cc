// SPDX-License-Identifier: Apache-2.0
//
// What commands print of a real catalog in a temporary directory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/id.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/container/ps.h"
#include "store/open_catalog.h"
#include "sys/environment.h"

// OpenSSL keeps its random generators until the process ends, and the leak sanitizer reports them
// for this program. The other modules' tests are not spared: there a leak of ours would show.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's name for it
extern "C" const char* __lsan_default_suppressions() { return "leak:libcrypto.so\n"; }  // NOLINT

namespace reprise::cli {
namespace {

namespace fs = std::filesystem;
using catalog::Catalog;
using catalog::LifeEvent;
using nlohmann::json;

constexpr base::UnixMillis kNow = 1'800'000'000'000;

class TablesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("reprise-cli-" + base::random_id());
    fs::create_directories(root_);
    ::setenv("REPRISE_STORE", root_.c_str(), 1);
    ::setenv("REPRISE_RUN", (root_ / "run").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("REPRISE_STORE");
    ::unsetenv("REPRISE_RUN");
    fs::remove_all(root_);
  }

  Catalog open() {
    auto catalog = store::open_catalog(store::StoreConfig::at(root_));
    EXPECT_TRUE(catalog) << catalog.error().message();
    return *std::move(catalog);
  }
  void add_checkpoint(Catalog& catalog, const std::string& id, const std::string& tag,
                      Catalog::Continue next, const std::string& name = "counter") {
    image::Manifest manifest;
    manifest.id = base::CheckpointId::parse_optional(id).value();
    manifest.key = key_;
    manifest.container = base::ContainerId::parse(key_.str()).value();
    manifest.name = name;
    manifest.trigger = image::Trigger::kStop;
    manifest.ended = true;
    manifest.created = kNow - 180'000;
    manifest.freeze_ms = 210;
    manifest.files = {{.name = "criu/pages-1.img", .bytes = 12'300'000}};
    const auto added = catalog.add_checkpoint(manifest, tag, next);
    ASSERT_TRUE(added) << added.error().message();
  }
  void add_life(Catalog& catalog, base::UnixMillis time, LifeEvent event, std::int64_t cpu = 0) {
    const auto added =
        catalog.add_life_event({.key = key_, .time = time, .event = event, .cpu_time_us = cpu});
    ASSERT_TRUE(added) << added.error().message();
  }
  void add_session(Catalog& catalog, const std::string& id, base::UnixMillis begin,
                   catalog::SessionStatus status) {
    catalog::SessionRow row{.id = base::SessionId::parse(id).value(),
                            .key = key_,
                            .kind = catalog::SessionKind::kCheckpoint,
                            .trigger = "stop",
                            .begin = begin,
                            .status = catalog::SessionStatus::kRunning,
                            .log_directory = (root_ / "sessions" / id).string()};
    auto done = catalog.begin_session(row);
    ASSERT_TRUE(done) << done.error().message();
    if (status == catalog::SessionStatus::kRunning) return;
    row.end = begin + 400;
    row.status = status;
    row.reason = status == catalog::SessionStatus::kOk ? "" : "dumping: criu failed";
    row.phases = R"({"dump":210,"seal":40})";
    done = catalog.finish_session(row);
    ASSERT_TRUE(done) << done.error().message();
  }
  // Runs a command that must succeed.
  std::string output(const std::vector<std::string>& args) {
    std::ostringstream out;
    std::ostringstream err;
    Io io{.out = out, .err = err};
    EXPECT_EQ(run_cli(args, sys::read_environment(), io), 0) << err.str();
    return out.str();
  }

  fs::path root_;
  base::ContainerKey key_ = base::ContainerKey::parse(std::string(64, 'a')).value();
};

TEST_F(TablesTest, ListsCheckpoints) {
  {
    Catalog catalog = open();
    add_checkpoint(catalog, "ckpt00000001", "", Catalog::Continue::kYes);
    add_checkpoint(catalog, "ckpt00000002", "safe", Catalog::Continue::kNo);
    ASSERT_TRUE(catalog.note_stored_bytes(base::CheckpointId("ckpt00000002"), 4'500'000));
  }
  EXPECT_EQ(output({"checkpoint", "pin", "ckpt00000001"}), "ckpt00000001: pinned\n");
  const json listed = json::parse(output({"checkpoint", "ls", "--json"}));
  ASSERT_EQ(listed.at("checkpoints").size(), 2U);
  for (const json& row : listed.at("checkpoints")) {
    const bool first = row.at("id") == "ckpt00000001";
    EXPECT_EQ(row.at("pending"), first);
    EXPECT_EQ(row.at("tag"), first ? "" : "safe");
    EXPECT_EQ(row.at("name"), "counter");
    EXPECT_EQ(row.at("trigger"), "stop");
    EXPECT_EQ(row.at("bytes"), 12'300'000);
    EXPECT_EQ(row.at("pinned"), first);
    EXPECT_EQ(row.at("stored_bytes"), first ? json(nullptr) : json(4'500'000));
    EXPECT_EQ(row.at("created"), "2027-01-15T07:57:00Z");
  }
  const std::string table = output({"checkpoint", "ls"});
  EXPECT_NE(table.find("ckpt00000001  counter    -     pinned  stop     12.3 MB  -       0.21 s"),
            std::string::npos)
      << table;
  EXPECT_NE(table.find("ckpt00000002  counter    safe  -       stop     12.3 MB  4.5 MB  0.21 s"),
            std::string::npos)
      << table;
}

TEST_F(TablesTest, PrunesWhatIsSupersededAndNotPinned) {
  {
    Catalog catalog = open();
    for (const char* id : {"ckpt00000001", "ckpt00000002", "ckpt00000003", "ckpt00000004"})
      add_checkpoint(catalog, id, "", Catalog::Continue::kNo);
  }
  output({"checkpoint", "pin", "ckpt00000001"});
  const json dry = json::parse(output({"store", "prune", "--dry-run", "--json"}));
  EXPECT_EQ(dry.at("removed"), json::parse(R"([{"id":"ckpt00000002","why":"superseded"},
                                               {"id":"ckpt00000003","why":"superseded"}])"));
  EXPECT_TRUE(dry.at("dry_run"));
  EXPECT_EQ(output({"store", "prune", "--keep-last", "2"}),
            "ckpt00000002: removed, superseded\n0 B freed (0 packs)\n");
  output({"checkpoint", "unpin", "ckpt00000001"});
  EXPECT_EQ(
      json::parse(output({"store", "prune", "--keep-last", "0", "--keep-hourly", "1", "--json"}))
          .at("removed")
          .size(),
      2U);
}

// A checkpoint that a stop took has no name of its own.
TEST_F(TablesTest, NamesTheContainerOfACheckpointFromTheCatalog) {
  {
    Catalog catalog = open();
    add_checkpoint(catalog, "ckpt00000001", "", Catalog::Continue::kNo, /*name=*/"");
    add_checkpoint(catalog, "ckpt00000002", "", Catalog::Continue::kNo, /*name=*/"");
    EXPECT_NE(output({"checkpoint", "ls"}).find("ckpt00000001  aaaaaaaaaaaa "), std::string::npos);
    const auto put = catalog.put_container({.key = key_, .name = "web"});
    ASSERT_TRUE(put) << put.error().message();
  }
  EXPECT_NE(output({"checkpoint", "ls"}).find("ckpt00000001  web "), std::string::npos);
  const json listed = json::parse(output({"checkpoint", "ls", "--json"}));
  EXPECT_EQ(listed.at("checkpoints").at(0).at("name"), "web");
}

TEST_F(TablesTest, AnEmptyStoreIsNoError) {
  EXPECT_EQ(json::parse(output({"checkpoint", "ls", "--json"})),
            json({{"checkpoints", json::array()}}));
  EXPECT_EQ(json::parse(output({"logs", "--json"})), json({{"sessions", json::array()}}));
}

TEST_F(TablesTest, PsJoinsPodmanWithTheCatalog) {
  Catalog catalog = open();
  add_life(catalog, 1, LifeEvent::kStarted);
  add_life(catalog, 2, LifeEvent::kCheckpointed);
  add_life(catalog, 3, LifeEvent::kRestored);
  add_checkpoint(catalog, "ckpt00000001", "", Catalog::Continue::kYes);
  podman::ContainerInfo ours{.id = key_.str(), .name = "counter", .status = "exited"};
  ours.oci_runtime = "/usr/libexec/reprise/reprise-runtime";
  ours.image_name = "localhost/img:1";
  podman::ContainerInfo fresh{.id = std::string(64, 'b'), .name = "fresh", .status = "exited"};
  fresh.oci_runtime = "reprise";
  podman::ContainerInfo other{
      .id = std::string(64, 'c'), .name = "other", .status = "running", .pid = 5};
  other.oci_runtime = "runc";

  const auto current = operations::join_containers({}, catalog, {ours, fresh, other},
                                                   operations::ListScope::kCurrent);
  ASSERT_TRUE(current) << current.error().message();
  ASSERT_EQ(current->size(), 1U);
  EXPECT_EQ(current->at(0).lives, 2);
  std::ostringstream table;
  print_ps(table, *current, kNow);
  EXPECT_EQ(
      table.str(),
      "NAME     ID            STATE         IMAGE            LIVES  CHECKPOINT    SIZE     AGE\n"
      "counter  aaaaaaaaaaaa  checkpointed  localhost/img:1  2      ckpt00000001  12.3 MB  3 "
      "min\n");

  const auto all =
      operations::join_containers({}, catalog, {ours, fresh, other}, operations::ListScope::kAll);
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(all->size(), 2U);
  std::ostringstream text;
  print_ps_json(text, *all);
  const json listed = json::parse(text.str());
  EXPECT_EQ(listed.at("containers").at(0).at("last_checkpoint").at("id"), "ckpt00000001");
  EXPECT_EQ(listed.at("containers").at(1).at("last_checkpoint"), json());
}

TEST_F(TablesTest, LivesTellOfCheckpointsThatFailed) {
  {
    Catalog catalog = open();
    ASSERT_TRUE(catalog.put_container({.key = key_, .name = "reprise-cli-test-gone"}));
    add_life(catalog, kNow, LifeEvent::kStarted);
    catalog::SessionRow row{.id = base::SessionId("sessionfailed"),
                            .key = key_,
                            .kind = catalog::SessionKind::kCheckpoint,
                            .begin = kNow + 1};
    ASSERT_TRUE(catalog.begin_session(row));
    row.end = kNow + 2;
    row.status = catalog::SessionStatus::kFailed;
    row.reason = "a nested user namespace";
    ASSERT_TRUE(catalog.finish_session(row));
  }
  const json lives = json::parse(output({"lives", "reprise-cli-test-gone", "--json"}));
  EXPECT_EQ(lives.at("lives").at(1).at("event"), "checkpoint-failed");
  EXPECT_EQ(lives.at("lives").at(1).at("detail"), "a nested user namespace");
}

TEST_F(TablesTest, CheckpointsOfEarlierContainersOfTheNameAreListed) {
  {
    Catalog catalog = open();
    ASSERT_TRUE(catalog.put_container({.key = key_, .name = "reprise-cli-test-gone"}));
    add_checkpoint(catalog, "ckpt00000001", "", Catalog::Continue::kNo);
    ASSERT_TRUE(catalog.put_container(
        {.key = base::ContainerKey("@again"), .name = "reprise-cli-test-gone"}));
  }
  for (const char* name : {"reprise-cli-test-gone", "again", "@again"}) {
    const json listed = json::parse(output({"checkpoint", "ls", name, "--json"}));
    EXPECT_EQ(listed.at("checkpoints").size(), 1U) << name;
  }
}

TEST_F(TablesTest, ShowsTheLivesOfAContainerThatIsGone) {
  {
    Catalog catalog = open();
    const auto put = catalog.put_container({.key = key_, .name = "reprise-cli-test-gone"});
    ASSERT_TRUE(put) << put.error().message();
    add_life(catalog, kNow, LifeEvent::kStarted);
    add_life(catalog, kNow + 1, LifeEvent::kRestored, 7'200'000'000);
  }
  const json lives = json::parse(output({"lives", "reprise-cli-test-gone", "--json"}));
  EXPECT_EQ(lives.at("lives").size(), 2U);
  EXPECT_EQ(lives.at("cpu_time_kept_us"), 7'200'000'000);
  EXPECT_NE(
      output({"lives", "reprise-cli-test-gone"}).find("CPU time that was not lost: 2 h 0 min"),
      std::string::npos);
}

TEST_F(TablesTest, ShowsASessionWithItsCauseOnTop) {
  {
    Catalog catalog = open();
    add_session(catalog, "sess00000000", kNow - 1, catalog::SessionStatus::kOk);
    add_session(catalog, "sess00000001", kNow, catalog::SessionStatus::kFailed);
    ASSERT_TRUE(catalog.put_container({.key = key_, .name = "reprise-cli-test-logs"}));
  }
  fs::create_directories(root_ / "sessions/sess00000001");
  std::ofstream(root_ / "sessions/sess00000001/dump.log")
      << "(00.000001) Version: 4.2.1\n"
         "(00.010000) Error (criu/files-ext.c:96): Can't dump file 5 of that type [600] (unknown "
         "/dev/zz)\n";
  const std::string text = output({"logs", "sess00000001"});
  EXPECT_NE(text.find("reason: dumping: criu failed\n"), std::string::npos) << text;
  EXPECT_NE(text.find("cause: "), std::string::npos) << text;
  EXPECT_LT(text.find("Can't dump file 5"), text.find("--- ")) << text;
  EXPECT_NE(text.find("seal   0.04 s"), std::string::npos) << text;
  EXPECT_NE(text.find("Version: 4.2.1"), std::string::npos) << text;

  EXPECT_EQ(output({"logs", "reprise-cli-test-logs"}), text) << "the newest of its container";

  const json shown = json::parse(output({"logs", "sess00000001", "--json"}));
  EXPECT_EQ(shown.at("session").at("phases").at("dump"), 210);
  EXPECT_EQ(shown.at("cause").at("file"), "dump.log");
  EXPECT_EQ(shown.at("logs").size(), 1U);
}

}  // namespace
}  // namespace reprise::cli
