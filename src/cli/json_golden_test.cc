// SPDX-License-Identifier: Apache-2.0
//
// What commands print with --json is read by programs of others: fields may be added, none may go,
// change its type, or mean something else. tests/golden/cli holds what this version prints of a
// catalog and a store that are always the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/container/ps.h"
#include "json/test_golden.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/environment.h"
#include "sys/test_directory.h"

namespace reprise::cli {
namespace {

using base::CheckpointId;
using catalog::Catalog;
using catalog::LifeEvent;
using nlohmann::json;

constexpr base::UnixMillis kThen = 1'800'000'000'000;
constexpr const char* kName = "reprise-golden-test-web";

// What differs from run to run is told as nothing of its type.
void blank(json& value) {
  if (value.is_string()) value = "";
  if (value.is_number()) value = 0;
}

void blank(json& document, std::initializer_list<const char*> fields) {
  for (auto& [name, value] : document.items()) {
    if (value.is_structured()) blank(value, fields);
    if (document.is_object() && std::ranges::find(fields, name) != fields.end()) blank(value);
  }
}

class JsonGolden : public testing::Test {
 protected:
  JsonGolden() {
    ::setenv("REPRISE_STORE", store_.c_str(), 1);
    ::setenv("REPRISE_RUN", (scratch_ / "run").c_str(), 1);
    ::setenv("REPRISE_KEY_FILE", (scratch_ / "key").c_str(), 1);
    ::setenv("REPRISE_CONFIG", (scratch_ / "reprise.toml").c_str(), 1);
    std::ofstream(scratch_ / "reprise.toml")
        << "[remote.depot]\nurl = \"file://" << (scratch_ / "depot").string() << "\"\n";
  }
  ~JsonGolden() override {
    for (const char* name : {"REPRISE_CONFIG", "REPRISE_RUN", "REPRISE_KEY_FILE", "REPRISE_STORE"})
      ::unsetenv(name);
  }

  [[nodiscard]] store::StoreConfig config() const {
    return {.root = store_,
            .key = {.kind = crypto::KeySource::Kind::kFile, .value = (scratch_ / "key").string()}};
  }
  Catalog catalog() { return std::move(*store::open_catalog(config())); }

  image::Manifest manifest(const std::string& id, base::UnixMillis created = kThen) const {
    image::Manifest made;
    made.id = CheckpointId::parse_optional(id).value();
    made.key = key_;
    made.container = base::ContainerId::parse(key_.str()).value();
    made.name = kName;
    made.trigger = image::Trigger::kStop;
    made.ended = true;
    made.created = created;
    made.freeze_ms = 210;
    made.cpu_time_us = 5'000'000;
    made.files = {{.name = "criu/pages-1.img", .bytes = 12'300'000}};
    return made;
  }

  // A life that began, was checkpointed and went on, and a session that came to nothing.
  void fill_catalog() {
    Catalog catalog = this->catalog();
    ASSERT_TRUE(catalog.put_container({.key = key_,
                                       .name = kName,
                                       .image = "img:1",
                                       .create_command = R"(["podman","run","img:1"])",
                                       .command_image_index = 2}));
    ASSERT_TRUE(catalog.add_checkpoint(manifest("ckpt00000001"), "safe", Catalog::Continue::kYes));
    ASSERT_TRUE(
        catalog.add_checkpoint(manifest("ckpt00000002", kThen + 1000), "", Catalog::Continue::kNo));
    ASSERT_TRUE(catalog.note_stored_bytes(CheckpointId("ckpt00000001"), 4'500'000));
    ASSERT_TRUE(catalog.note_stored_bytes(CheckpointId("ckpt00000002"), 1));
    ASSERT_TRUE(catalog.note_copy(
        {.checkpoint = CheckpointId("ckpt00000001"), .remote = "depot", .uploading = true}));
    ASSERT_TRUE(
        catalog.add_life_event({.key = key_, .time = kThen - 1000, .event = LifeEvent::kStarted}));
    ASSERT_TRUE(catalog.add_life_event({.key = key_,
                                        .time = kThen,
                                        .event = LifeEvent::kRestored,
                                        .session = base::SessionId("sess00000001"),
                                        .checkpoint = CheckpointId("ckpt00000001"),
                                        .restore_ms = 300,
                                        .bytes = 12'300'000,
                                        .cpu_time_us = 5'000'000}));
    catalog::SessionRow row{.id = base::SessionId("sess00000002"),
                            .key = key_,
                            .kind = catalog::SessionKind::kCheckpoint,
                            .trigger = "stop",
                            .begin = kThen,
                            .status = catalog::SessionStatus::kRunning,
                            .log_directory = (store_ / "sessions/sess00000002").string()};
    ASSERT_TRUE(catalog.begin_session(row));
    row.end = kThen + 400;
    row.status = catalog::SessionStatus::kFailed;
    row.reason = "dumping: a program uses io_uring";
    row.hint = "make the container anew";
    row.phases = R"({"dump":210,"seal":40})";
    ASSERT_TRUE(catalog.finish_session(row));
    std::filesystem::create_directories(row.log_directory);
    std::ofstream(std::filesystem::path(row.log_directory) / "dump.log")
        << "(00.010000) Error (criu/files-ext.c:96): Can't dump file 5 of that type [600] "
           "(unknown anon_inode:[io_uring])\n";
  }

  // A checkpoint that is really there; its id.
  std::string put() {
    auto opened = store::open_store(config());
    EXPECT_TRUE(opened) << opened.error().details();
    auto writer = std::move(*(*opened)->begin({}));
    std::ofstream(writer->pages().spool() / "pages-1.img") << std::string(20'000, 'x');
    EXPECT_TRUE(writer->pages().absorb());
    image::Manifest facts = manifest("");
    facts.addresses = {"10.88.0.5/16"};
    facts.mounts = {"/data"};
    facts.criu_version = "4.2.1";
    facts.runtime_version = "runc 1.1.15";
    facts.kernel = "6.18";
    facts.parent_session = "sess00000001";
    const auto sealed = writer->seal(facts);
    EXPECT_TRUE(sealed);
    EXPECT_TRUE(writer->settle());
    EXPECT_TRUE(catalog().add_checkpoint(*sealed, "safe", Catalog::Continue::kNo));
    return writer->id().str();
  }

  // What the command prints, without what is of this run alone.
  std::string output(const std::vector<std::string>& args, const std::string& id = "",
                     std::initializer_list<const char*> fields = {}) {
    std::ostringstream out;
    std::ostringstream err;
    Io io{.out = out, .err = err};
    EXPECT_EQ(run_cli(args, sys::read_environment(), io), 0) << err.str();
    std::string text = out.str();
    for (const auto& [own, general] :
         {std::pair{scratch_.path().string(), "/SCRATCH"}, std::pair{id, "ID"}})
      for (std::size_t at = 0; !own.empty() && (at = text.find(own)) != text.npos;)
        text.replace(at, own.size(), general);
    json document = json::parse(text, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << text;
    blank(document, fields);
    return document.dump();
  }

  sys::TestDirectory scratch_;
  std::filesystem::path store_ = scratch_ / "store";
  base::ContainerKey key_ = base::ContainerKey::parse(std::string(64, 'a')).value();
};

TEST_F(JsonGolden, Lists) {
  fill_catalog();
  golden::expect_current("cli/checkpoint-ls.json", output({"checkpoint", "ls", "--json"}));
  golden::expect_current("cli/lives.json", output({"lives", kName, "--json"}));
  golden::expect_current("cli/logs.json", output({"logs", "--json"}));
  golden::expect_current("cli/logs-session.json", output({"logs", "sess00000002", "--json"}));
  golden::expect_current("cli/store-prune.json",
                         output({"store", "prune", "--keep-last", "0", "--dry-run", "--json"}));
}

TEST_F(JsonGolden, Ps) {
  fill_catalog();
  podman::ContainerInfo ours{.id = key_.str(), .name = kName, .status = "exited"};
  ours.oci_runtime = "/usr/libexec/reprise/reprise-runtime";
  ours.image_name = "localhost/img:1";
  podman::ContainerInfo fresh{.id = std::string(64, 'b'), .name = "fresh", .status = "running"};
  fresh.oci_runtime = "reprise";
  Catalog catalog = this->catalog();
  const auto rows =
      operations::join_containers({}, catalog, {ours, fresh}, operations::ListScope::kAll);
  ASSERT_TRUE(rows) << rows.error().details();
  std::ostringstream text;
  print_ps_json(text, *rows);
  golden::expect_current("cli/ps.json", text.str());
}

TEST_F(JsonGolden, Store) {
  golden::expect_current("cli/store-init.json", output({"store", "init", "--json"}));
  const std::string id = put();
  golden::expect_current("cli/store-stat.json",
                         output({"store", "stat", "--json"}, id, {"stored_bytes"}));
  golden::expect_current("cli/store-verify.json", output({"store", "verify", "--json"}, id));
  golden::expect_current(
      "cli/checkpoint-show.json",
      output({"checkpoint", "show", "safe", "--json"}, id, {"stored_bytes", "bytes"}));
  golden::expect_current("cli/checkpoint-push.json",
                         output({"checkpoint", "push", "safe", "depot", "--json"}, id, {"bytes"}));
  golden::expect_current("cli/checkpoint-pull.json",
                         output({"checkpoint", "pull", id, "depot", "--json"}, id, {"bytes"}));
}

TEST_F(JsonGolden, ConfigShow) {
  golden::expect_current("cli/config-show.json", output({"config", "show", "--json"}));
}

// The findings are those of this host; what a finding consists of is not.
TEST_F(JsonGolden, Doctor) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err};
  (void)run_cli({"doctor", "--json"}, sys::read_environment(), io);
  json document = json::parse(out.str(), nullptr, false);
  ASSERT_TRUE(document.is_object() && document["findings"].is_array()) << out.str();
  ASSERT_FALSE(document["findings"].empty());
  document["findings"] = json::array({document["findings"].front()});
  blank(document, {"health", "subject", "text", "remedy"});
  golden::expect_current("cli/doctor.json", document.dump());
}

}  // namespace
}  // namespace reprise::cli
