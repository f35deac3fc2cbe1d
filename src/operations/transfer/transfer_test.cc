// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints on their way between two nodes, by a directory that both know.
#include "operations/transfer/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/transfer/upload.h"

namespace reprise::operations {
namespace {

using base::CheckpointId;
using base::ErrorCode;

class TransferTest : public testing::Test {
 protected:
  CheckpointId pull_by(const std::string& subject) {
    const auto pulled = pull(there_.node, subject, "depot", progress_);
    EXPECT_TRUE(pulled) << subject << ": " << pulled.error().details();
    return pulled ? pulled->manifest.id : CheckpointId();
  }

  sys::TestDirectory between_;
  TestNode here_{between_ / "depot"};
  TestNode there_{between_ / "depot"};
  TestProgress progress_;
};

TEST_F(TransferTest, ACheckpointComesWithItsTagAndItsContainer) {
  const CheckpointId id = here_.put(std::string(300'000, 'm'), "safe");
  ASSERT_TRUE(here_.catalog().put_container({.key = base::ContainerKey("@web"),
                                             .name = "web",
                                             .image = "img:1",
                                             .create_command = R"(["podman","run","img:1"])",
                                             .command_image_index = 2}));
  const auto pushed = push(here_.node, "safe", "", progress_);
  ASSERT_TRUE(pushed) << pushed.error().details();
  EXPECT_EQ(pushed->id, id);
  EXPECT_EQ(pushed->remote, "depot") << "the only remote needs no name";
  EXPECT_EQ(pushed->pushed.packs, 1U);
  EXPECT_EQ(progress_.told, (std::vector<std::string>{"begin pushing", "end"}));
  EXPECT_GT(progress_.last_all, 0U);
  EXPECT_EQ(progress_.last_done, progress_.last_all);
  EXPECT_EQ(push(here_.node, id.str(), "depot", progress_)->pushed.packs, 0U) << "it is there";

  EXPECT_EQ(pull_by("safe"), id);
  auto catalog = there_.catalog();
  EXPECT_EQ(catalog.find_checkpoint("safe")->id, id);
  EXPECT_EQ((*catalog.container(base::ContainerKey("@web")))->image, "img:1");
  EXPECT_EQ(catalog.copies()->size(), 1U);
  EXPECT_TRUE((*store::open_store(there_.node.store))->verify(id));
}

TEST_F(TransferTest, ANameStandsForTheNewestCheckpointOfItsContainer) {
  const CheckpointId old = here_.put("old");
  const CheckpointId newest = here_.put("new");
  for (const CheckpointId& id : {newest, old})
    ASSERT_TRUE(push(here_.node, id.str(), "depot", progress_));
  EXPECT_EQ(pull_by("web"), newest);
  EXPECT_EQ(pull_by(old.str().substr(0, 8)), old);
}

// A key with a name in it is no beginning of an id, and was refused as a bad one.
TEST_F(TransferTest, WhatCannotBeginAnIdIsLookedForAmongKeysAndNames) {
  for (const char* key : {"@web", "no id: a name"}) {
    const auto none = pull(there_.node, key, "depot", progress_);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), ErrorCode::kNotFound) << none.error().details();
  }
}

TEST_F(TransferTest, ATagThatIsInUseHereStaysWhereItIs) {
  const CheckpointId ours = there_.put("ours", "safe");
  const CheckpointId theirs = here_.put("theirs", "safe");
  ASSERT_TRUE(push(here_.node, "safe", "depot", progress_));
  EXPECT_EQ(pull_by("safe"), theirs);
  EXPECT_EQ(there_.catalog().find_checkpoint("safe")->id, ours);
  EXPECT_EQ(there_.catalog().find_checkpoint(theirs.str())->tag, "");
}

TEST_F(TransferTest, WhatIsNotThereIsNamedWithTheListOfWhatIs) {
  ASSERT_TRUE(push(here_.node, here_.put("one").str(), "depot", progress_));
  const auto none = pull(there_.node, "nothing", "depot", progress_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(none.error().hint(), "'reprise checkpoint ls --remote depot' lists what is there");
}

TEST_F(TransferTest, TheNameOfARemoteMustBeClear) {
  here_.node.config.remotes.push_back({.name = "other", .access = {.url = "file:///x"}});
  const auto unclear = open_named(here_.node, "");
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().hint(), "name one of: depot, other");
  EXPECT_EQ(open_to_change(here_.node, "").error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(open_to_change(here_.node, "https://localhost:1").error().code(),
            ErrorCode::kUnsupported);
  // One place under several names.
  const auto by_url = open_named(here_.node, here_.node.config.remotes[0].access.url + "/");
  ASSERT_TRUE(by_url) << by_url.error().details();
  const std::vector<std::string> names = names_of(here_.node, *by_url);
  EXPECT_NE(std::ranges::find(names, "depot"), names.end());
  EXPECT_EQ(std::ranges::find(names, "other"), names.end());
}

TEST_F(TransferTest, UploadsAllThatIsLackingOldestFirst) {
  const CheckpointId one = here_.put("one");
  const CheckpointId two = here_.put("two");
  std::vector<std::string> uploaded;
  const auto note = [&](const CheckpointId& id, const std::string& remote) {
    uploaded.push_back(id.str() + "@" + remote);
  };
  const auto done = upload_missing(here_.node, UploadPatience::kNone, note, progress_);
  ASSERT_TRUE(done) << done.error().details();
  EXPECT_EQ(uploaded, (std::vector<std::string>{one.str() + "@depot", two.str() + "@depot"}));
  EXPECT_TRUE(here_.is_in_depot(one));
  uploaded.clear();
  ASSERT_TRUE(upload_missing(here_.node, UploadPatience::kNone, note, progress_));
  EXPECT_TRUE(uploaded.empty());
}

TEST_F(TransferTest, OneThatIsDamagedKeepsNoOtherFromBeingUploaded) {
  const CheckpointId gone = here_.put("gone");
  const CheckpointId good = here_.put("good");
  std::filesystem::remove(here_.node.store.root / "checkpoints" / gone.str());
  int uploaded = 0;
  const auto count = [&](const CheckpointId&, const std::string&) { ++uploaded; };
  const auto done = upload_missing(here_.node, UploadPatience::kNone, count, progress_);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message().starts_with("cannot upload")) << done.error().message();
  EXPECT_EQ(uploaded, 1);
  EXPECT_TRUE(here_.is_in_depot(good));
}

}  // namespace
}  // namespace reprise::operations
