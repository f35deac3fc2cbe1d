// SPDX-License-Identifier: Apache-2.0
//
// What a checkpoint notes of its container: read from a database as Podman keeps one.
#include "worker/record.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "host/request.h"
#include "store/open_catalog.h"
#include "store/store.h"
#include "sys/test_directory.h"

namespace reprise::worker {
namespace {

using base::ContainerKey;
namespace fs = std::filesystem;

const std::string kId(64, 'a');
const std::string kPredecessor(64, 'b');

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    request_.session = base::SessionId("sess00000001");
    request_.container = base::ContainerId::parse(kId).value();
    request_.key = ContainerKey::parse(kId).value();
    request_.runtime_args = {"--root", (scratch_ / "runc").string()};
    bundle_ = scratch_ / "storage/overlay-containers" / kId / "userdata";
    fs::create_directories(bundle_);
    set_bundle(bundle_);
    change_database("CREATE TABLE ContainerConfig (ID TEXT PRIMARY KEY, JSON TEXT)");
  }

  [[nodiscard]] fs::path database() const { return scratch_ / "storage/db.sql"; }
  void change_database(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(database().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  void podman_knows(const std::string& id, const std::string& more = "") {
    change_database("INSERT INTO ContainerConfig VALUES ('" + id + "', '{\"id\": \"" + id +
                    "\", \"name\": \"web\", \"rootfsImageID\": \"9\", \"rootfsImageName\": "
                    "\"img:1\"" +
                    more + "}')");
  }
  void set_bundle(const fs::path& bundle) {
    fs::create_directories(scratch_ / "runc" / kId);
    std::ofstream(scratch_ / "runc" / kId / "state.json")
        << R"({"init_process_pid":1,"init_process_start":1,"cgroup_paths":{},"config":{"labels":[)"
        << "\"bundle=" << bundle.string() << "\"]}}";
  }
  // A container of the same name, whose checkpoint waits under this key.
  void add_predecessor(const std::string& key) {
    ASSERT_TRUE(catalog_.put_container({.key = ContainerKey::parse(key).value(), .name = "web"}));
    image::Manifest manifest;
    manifest.id = base::CheckpointId("ckpt00000001");
    manifest.key = ContainerKey::parse(key).value();
    ASSERT_TRUE(catalog_.add_checkpoint(manifest, "", catalog::Catalog::Continue::kYes));
  }
  bool waits(const std::string& key) {
    return catalog_.continuation(ContainerKey::parse(key).value()).value().has_value();
  }
  base::Result<std::string> record() {
    auto [ours, theirs] = std::move(*sys::MessageSocket::pair());
    session::Context context{
        .layout = {.store = scratch_ / "store", .run = scratch_ / "run"},
        .request = request_,
        .store = std::move(*store::open(store::StoreConfig::at(scratch_ / "store"))),
        .caller = std::move(ours)};
    return record_container(context);
  }
  std::optional<catalog::ContainerRow> recorded() {
    return catalog_.container(ContainerKey::parse(kId).value()).value();
  }

  sys::TestDirectory scratch_;
  fs::path bundle_;
  host::WorkerRequest request_;
  catalog::Catalog catalog_ =
      std::move(*store::open_catalog(store::StoreConfig::at(scratch_ / "store")));
};

constexpr const char* kCommand =
    R"(, "CreateCommand": ["podman", "run", "-d", "img:1", "sleep", "9"], "command": ["sleep", "9"])";

TEST_F(RecordTest, TheCommandThatMadeItIsKept) {
  podman_knows(kId, kCommand);
  EXPECT_EQ(record().value(), "web");
  const auto row = recorded();
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name, "web");
  EXPECT_EQ(row->image, "img:1");
  EXPECT_NE(row->create_command.find("podman"), std::string::npos);
  EXPECT_EQ(row->command_image_index, 3);
}

TEST_F(RecordTest, OneThatIsNotPodmansHasNoName) {
  set_bundle(scratch_ / "elsewhere");
  EXPECT_EQ(record().value(), "");
  EXPECT_FALSE(recorded());
}

TEST_F(RecordTest, AnotherStoresContainerHasNoName) {
  EXPECT_EQ(record().value(), "") << "Podman's database has no such container";
  EXPECT_FALSE(recorded());
}

TEST_F(RecordTest, ADatabaseThatCannotBeReadIsAnError) {
  std::ofstream(database(), std::ios::trunc) << "no database, and longer than nothing at all";
  EXPECT_FALSE(record());
  EXPECT_FALSE(recorded());
}

TEST_F(RecordTest, WhatWaitsForOneThatIsGoneIsDropped) {
  podman_knows(kId, kCommand);
  add_predecessor(kPredecessor);
  ASSERT_TRUE(record());
  EXPECT_FALSE(waits(kPredecessor));
  EXPECT_TRUE(catalog_.find_checkpoint("ckpt00000001")) << "'reprise restore' still takes it";
}

TEST_F(RecordTest, WhatWaitsForOneThatPodmanStillHasStays) {
  podman_knows(kId, kCommand);
  podman_knows(kPredecessor, kCommand);
  add_predecessor(kPredecessor);
  ASSERT_TRUE(record());
  EXPECT_TRUE(waits(kPredecessor));
}

// A key that outlives containers, or an id that Podman did not give: it may come again.
TEST_F(RecordTest, WhatWaitsUnderAnotherKindOfKeyStays) {
  podman_knows(kId, kCommand);
  for (const std::string& key : {std::string("@web"), std::string(63, 'b'), std::string(64, 'z')}) {
    add_predecessor(key);
    ASSERT_TRUE(record());
    EXPECT_TRUE(waits(key)) << key;
    ASSERT_TRUE(catalog_.drop_continuation(ContainerKey::parse(key).value()));
    ASSERT_TRUE(catalog_.remove_checkpoint(base::CheckpointId("ckpt00000001")));
  }
}

TEST_F(RecordTest, WhereItCannotBeFoundOutWhatWaitsStays) {
  podman_knows(kId, kCommand);
  change_database("INSERT INTO ContainerConfig VALUES ('" + kPredecessor + "', 'no record')");
  add_predecessor(kPredecessor);
  EXPECT_FALSE(record());
  EXPECT_TRUE(waits(kPredecessor));
}

}  // namespace
}  // namespace reprise::worker
