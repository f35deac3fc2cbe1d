// SPDX-License-Identifier: Apache-2.0
//
// Commands that change a remote: a directory, under the name 'depot' and by its URL.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/catalog.h"
#include "cli/cli.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"
#include "sys/environment.h"
#include "sys/test_directory.h"

namespace reprise::cli {
namespace {

using base::CheckpointId;
using base::ErrorCode;
namespace fs = std::filesystem;

constexpr const char* kVariables[] = {"REPRISE_CONFIG", "REPRISE_RUN", "REPRISE_KEY_FILE",
                                      "REPRISE_STORE"};

struct Result {
  int status;
  std::string out;
  std::string err;
};

Result call(const std::vector<std::string>& args) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err, .terminal = Terminal::kNo, .user = 0};
  const int status = run_cli(args, sys::read_environment(), io);
  return {status, out.str(), err.str()};
}

class RemoteCommands : public testing::Test {
 protected:
  RemoteCommands() {
    ::setenv("REPRISE_STORE", store_.c_str(), 1);
    ::setenv("REPRISE_RUN", (scratch_ / "run").c_str(), 1);
    ::setenv("REPRISE_KEY_FILE", (scratch_ / "key").c_str(), 1);
    ::setenv("REPRISE_CONFIG", (scratch_ / "reprise.toml").c_str(), 1);
    configure("");
  }
  ~RemoteCommands() override {
    for (const char* name : kVariables) ::unsetenv(name);
  }
  void configure(const std::string& more) {
    std::ofstream(scratch_ / "reprise.toml") << "[remote.depot]\nurl = \"" << url() << "\"\n"
                                             << more;
  }
  [[nodiscard]] std::string url() const { return "file://" + depot_.string(); }
  // A checkpoint of this store, known to the catalog.
  CheckpointId put(const std::string& memory, const std::string& tag = "") {
    auto writer = std::move(*std::move(*store::open_store(config()))->begin({}));
    std::ofstream(writer->pages().spool() / "pages-1.img") << memory;
    EXPECT_TRUE(writer->pages().absorb());
    const auto manifest = writer->seal(
        {.key = base::ContainerKey("web"), .name = "web", .created = 7, .kernel = "6.18"});
    EXPECT_TRUE(manifest);
    EXPECT_TRUE(writer->settle());
    EXPECT_TRUE(catalog().add_checkpoint(*manifest, tag, catalog::Catalog::Continue::kNo));
    return writer->id();
  }
  [[nodiscard]] store::StoreConfig config() const {
    return {.root = store_,
            .key = {.kind = crypto::KeySource::Kind::kFile, .value = (scratch_ / "key").string()}};
  }
  catalog::Catalog catalog() { return std::move(*store::open_catalog(config())); }
  [[nodiscard]] bool is_there(const CheckpointId& id) const {
    return fs::exists(depot_ / "checkpoints" / id.str());
  }

  sys::TestDirectory scratch_;
  fs::path store_ = scratch_ / "store";
  fs::path depot_ = scratch_ / "depot";
};

TEST_F(RemoteCommands, ACheckpointIsRemovedThereAndNotHere) {
  const CheckpointId one = put("one", "tagged");
  const CheckpointId other = put("other");
  for (const CheckpointId& id : {one, other})
    ASSERT_EQ(call({"checkpoint", "push", id.str(), "depot"}).status, 0);
  // Known by its name, and removed by its URL.
  const Result removed = call({"checkpoint", "rm", "--remote", url() + "/", "tagged"});
  ASSERT_EQ(removed.status, 0) << removed.err;
  EXPECT_NE(removed.out.find(one.str() + ": removed from '"), std::string::npos) << removed.out;
  EXPECT_FALSE(is_there(one));
  EXPECT_TRUE(is_there(other));
  EXPECT_EQ(catalog().copies()->size(), 1U);
  EXPECT_EQ(catalog().checkpoints()->size(), 2U);
  const Result listed = call({"checkpoint", "ls", "--remote", "depot"});
  EXPECT_EQ(listed.out.find(one.str()), std::string::npos) << listed.out;
  // By the beginning of its id; a name that is nowhere is told, and does not end the others.
  const Result rest =
      call({"checkpoint", "rm", "--remote", "depot", "nowhere", other.str().substr(0, 8)});
  EXPECT_EQ(rest.status, base::exit_code(ErrorCode::kNotFound));
  EXPECT_NE(rest.err.find("cannot remove 'nowhere'"), std::string::npos) << rest.err;
  EXPECT_FALSE(is_there(other));
  // Somebody else was faster: the catalog learns of it.
  ASSERT_EQ(call({"checkpoint", "push", one.str(), "depot"}).status, 0);
  fs::remove(depot_ / "checkpoints" / one.str());
  EXPECT_NE(call({"checkpoint", "rm", "--remote", "depot", one.str()}).out.find("was not at"),
            std::string::npos);
  EXPECT_TRUE(catalog().copies()->empty());
}

TEST_F(RemoteCommands, APlaceThatIsNotThereIsToldAndNotMade) {
  const std::string typo = url() + "-typo";
  const CheckpointId id = put("one");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"store", "gc", "--remote", typo},
        {"checkpoint", "ls", "--remote", typo},
        {"checkpoint", "pull", "wanted", typo}}) {
    const Result refused = call(command);
    EXPECT_EQ(refused.status, base::exit_code(ErrorCode::kNotFound)) << command[1];
    EXPECT_NE(refused.err.find("there is no directory '" + depot_.string() + "-typo'"),
              std::string::npos)
        << refused.err;
  }
  EXPECT_FALSE(fs::exists(depot_.string() + "-typo"));
  EXPECT_EQ(call({"checkpoint", "push", id.str(), typo}).status, 0) << "the first push makes it";
  EXPECT_EQ(call({"checkpoint", "ls", "--remote", typo}).status, 0);
}

TEST_F(RemoteCommands, WhatWasRemovedThereIsNotUploadedAgainOnItsOwn) {
  const CheckpointId id = put("one");
  ASSERT_EQ(call({"checkpoint", "push", id.str()}).status, 0);
  configure("upload = true\n");
  const Result removed = call({"checkpoint", "rm", "--remote", "depot", id.str()});
  ASSERT_EQ(removed.status, 0) << removed.err;
  EXPECT_NE(removed.out.find("only 'checkpoint push' brings it back"), std::string::npos);
  const CheckpointId next = put("two");
  ASSERT_EQ(call({"store", "upload"}).status, 0);
  EXPECT_FALSE(is_there(id));
  EXPECT_TRUE(is_there(next));
  ASSERT_EQ(call({"checkpoint", "push", id.str()}).status, 0);
  EXPECT_TRUE(is_there(id));
  EXPECT_EQ(catalog().copies()->size(), 2U);
}

TEST_F(RemoteCommands, AnotherNodesStoreIsNotChanged) {
  const CheckpointId id = put("one");
  configure("[remote.peer]\nurl = \"https://localhost:1\"\n");
  ASSERT_TRUE(catalog().note_copy({.checkpoint = id, .remote = "peer", .uploading = false}));
  const Result refused = call({"checkpoint", "rm", "--remote", "peer", id.str()});
  EXPECT_EQ(refused.status, base::exit_code(ErrorCode::kUnsupported)) << refused.err;
  EXPECT_NE(refused.err.find("another node's store"), std::string::npos) << refused.err;
  EXPECT_EQ(catalog().copies()->size(), 1U);
}

TEST_F(RemoteCommands, AnEmptyNameIsNotTakenForHere) {
  const CheckpointId id = put("one");
  const Result removed = call({"checkpoint", "rm", "--remote", "", id.str()});
  EXPECT_EQ(removed.status, base::exit_code(ErrorCode::kInvalidInput)) << removed.out;
  EXPECT_EQ(call({"store", "gc", "--remote", ""}).status,
            base::exit_code(ErrorCode::kInvalidInput));
  EXPECT_EQ(catalog().checkpoints()->size(), 1U);
}

TEST_F(RemoteCommands, WhatNothingNeedsThereIsFreed) {
  const CheckpointId id = put("one");
  ASSERT_EQ(call({"checkpoint", "push", id.str()}).status, 0);
  const Result nothing = call({"store", "gc", "--remote", "depot", "--grace", "0"});
  EXPECT_TRUE(nothing.out.starts_with("0 B freed (0 packs)")) << nothing.out << nothing.err;
  ASSERT_EQ(call({"checkpoint", "rm", "--remote", "depot", id.str()}).status, 0);
  const Result young = call({"store", "gc", "--remote", "depot"});
  EXPECT_NE(young.out.find("1 packs that nothing needs are kept"), std::string::npos) << young.out;
  const Result would = call({"store", "gc", "--remote", url(), "--grace", "0s", "--dry-run"});
  EXPECT_NE(would.out.find(" would be freed (1 packs)"), std::string::npos) << would.out;
  EXPECT_FALSE(fs::is_empty(depot_ / "packs"));
  const Result freed = call({"store", "gc", "--remote", "depot", "--grace", "0h"});
  EXPECT_NE(freed.out.find(" freed (1 packs)"), std::string::npos) << freed.out;
  EXPECT_TRUE(fs::is_empty(depot_ / "packs"));
  EXPECT_FALSE(fs::is_empty(store_ / "packs"));
  for (const auto& wrong :
       std::vector<std::vector<std::string>>{{"--dry-run"},
                                             {"--grace", "1h"},
                                             {"--remote", "depot", "--no-compact"},
                                             {"--remote", "depot", "--grace", "soon"}}) {
    std::vector<std::string> args{"store", "gc"};
    args.insert(args.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(call(args).status, base::exit_code(ErrorCode::kInvalidInput)) << wrong[0];
  }
}

TEST_F(RemoteCommands, WhatNewerOnesSupersedeThereIsRemoved) {
  const CheckpointId tagged = put("tagged", "kept");
  const CheckpointId one = put("one");
  const CheckpointId two = put("two");
  for (const CheckpointId& id : {tagged, one, two})
    ASSERT_EQ(call({"checkpoint", "push", id.str(), "depot"}).status, 0);
  std::vector<std::string> prune{"store",       "prune", "--remote",   "depot",
                                 "--keep-last", "1",     "--requested"};
  ASSERT_EQ(call(prune).status, 0);
  EXPECT_TRUE(is_there(tagged));
  EXPECT_NE(is_there(one), is_there(two));
  EXPECT_EQ(catalog().checkpoints()->size(), 3U) << "nothing goes here";
  prune.insert(prune.end(), {"--max-size", "1"});
  EXPECT_EQ(call(prune).status, base::exit_code(ErrorCode::kUnsupported));
}

TEST_F(RemoteCommands, APullTakesATagOrAName) {
  const CheckpointId tagged = put("tagged", "moving");
  ASSERT_EQ(call({"checkpoint", "push", tagged.str(), "depot"}).status, 0);
  for (const std::string subject : {"moving", "web"}) {
    store_ = scratch_ / ("second-" + subject);
    ::setenv("REPRISE_STORE", store_.c_str(), 1);
    const Result pulled = call({"checkpoint", "pull", subject, "depot"});
    ASSERT_EQ(pulled.status, 0) << pulled.err;
    EXPECT_EQ(catalog().find_checkpoint("moving")->id, tagged);
  }
  const Result none = call({"checkpoint", "pull", "nothing", "depot"});
  EXPECT_EQ(none.status, base::exit_code(ErrorCode::kNotFound));
  EXPECT_TRUE(none.err.contains("'nothing'")) << none.err;
}

TEST_F(RemoteCommands, ACatalogOfTheFutureIsLeftAlone) {
  put("one");
  {
    std::fstream file(store_ / "catalog.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60) << std::string{'\0', '\0', '\0', 99};  // user_version
  }
  fs::remove(store_ / "index.db");
  for (const char* command : {"gc", "repair", "verify"}) {
    const Result refused = call({"store", command});
    EXPECT_EQ(refused.status, base::exit_code(ErrorCode::kUnsupported)) << command << refused.err;
    EXPECT_TRUE(refused.err.contains("newer version of Reprise")) << refused.err;
    EXPECT_FALSE(fs::exists(store_ / "index.db")) << command << " went on";
  }
}

TEST_F(RemoteCommands, ADamagedCatalogIsFoundAndMadeAnew) {
  const CheckpointId one = put("one", "tagged");
  {
    std::fstream file(store_ / "catalog.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096) << std::string(8192, 'x');
  }
  const Result damaged = call({"store", "verify"});
  EXPECT_EQ(damaged.status, base::exit_code(ErrorCode::kCorrupt)) << damaged.err;
  EXPECT_TRUE(damaged.err.contains("catalog is damaged")) << damaged.err;
  EXPECT_TRUE(damaged.err.contains("store repair")) << damaged.err;
  const Result repaired = call({"store", "repair"});
  EXPECT_EQ(repaired.status, 0) << repaired.err;
  EXPECT_TRUE(repaired.out.contains("catalog made anew")) << repaired.out;
  EXPECT_EQ(call({"store", "verify"}).status, 0);
  EXPECT_EQ(catalog().checkpoints()->size(), 1U);
}

}  // namespace
}  // namespace reprise::cli
