// SPDX-License-Identifier: Apache-2.0
//
// A remote that took nothing was told by 'store upload' alone, which nobody calls.
#include "operations/transfer/upload_failures.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "json/test_golden.h"
#include "operations/diagnosis/node_checks.h"
#include "operations/internal/test_node.h"
#include "operations/internal/test_progress.h"
#include "operations/store/checkpoint_list.h"
#include "operations/store/waiting.h"
#include "operations/transfer/transfer.h"
#include "operations/transfer/upload.h"
#include "sys/files.h"

namespace reprise::operations {
namespace {

namespace fs = std::filesystem;
using base::CheckpointId;
using base::ErrorCode;

class UploadFailuresTest : public testing::Test {
 protected:
  UploadFailuresTest() { EXPECT_TRUE(sys::replace_file(depot_, "no directory")); }
  base::Result<void> upload() {
    return upload_missing(
        node_.node, UploadPatience::kNone, [](const auto&, const auto&) {}, progress_);
  }
  std::vector<UploadFailure> failures() { return upload_failures(node_.node).value(); }

  sys::TestDirectory directory_;
  fs::path depot_ = directory_ / "depot";
  TestNode node_{depot_};
  TestProgress progress_;
};

TEST_F(UploadFailuresTest, AreToldUntilOneSucceeds) {
  const CheckpointId id = node_.put("memory");
  EXPECT_TRUE(failures().empty());
  EXPECT_EQ(check_uploads(node_.node).health, Health::kOk);
  ASSERT_FALSE(upload());
  const auto first = failures();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].remote, "depot");
  EXPECT_EQ(first[0].lacking, (std::vector{id}));
  EXPECT_TRUE(first[0].reason.contains(depot_.string())) << first[0].reason;
  ASSERT_FALSE(upload());
  EXPECT_EQ(failures()[0].since, first[0].since) << "since when it fails, not when it failed last";
  const Finding finding = check_uploads(node_.node);
  EXPECT_EQ(finding.health, Health::kWarn);
  EXPECT_TRUE(finding.text.contains("'depot'") && finding.text.contains(first[0].reason))
      << finding.text;
  EXPECT_TRUE(finding.remedy.contains("reprise store upload")) << finding.remedy;
  const auto list = list_checkpoints(node_.node, "").value();
  ASSERT_EQ(list.failing.size(), 1U);
  EXPECT_EQ(describe_checkpoint(node_.node, id.str())->failing.size(), 1U);
  fs::remove(depot_);
  ASSERT_TRUE(upload());
  EXPECT_TRUE(failures().empty());
  EXPECT_TRUE(failing_uploads(node_.node)->empty());
  EXPECT_FALSE(fs::exists(node_.node.layout.store / "upload.failures"));
}

TEST_F(UploadFailuresTest, AreOfNoConsequenceWhereNothingLacksOrNothingIsToGoThere) {
  const CheckpointId id = node_.put("memory");
  ASSERT_FALSE(upload());
  node_.node.config.remotes[0].upload = false;
  EXPECT_TRUE(failures().empty());
  node_.node.config.remotes[0].upload = true;
  EXPECT_EQ(failures().size(), 1U);
  ASSERT_TRUE(node_.catalog().remove_checkpoint(id));
  EXPECT_TRUE(failures().empty());
}

// As after a push by hand.
TEST_F(UploadFailuresTest, ANoteThatCannotBeReadIsNamedAndMadeAnew) {
  node_.put("memory");
  const fs::path note = node_.node.layout.store / "upload.failures";
  ASSERT_TRUE(sys::replace_file(note, "[]"));
  const auto unread = upload_failures(node_.node);
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().code(), ErrorCode::kCorrupt);
  EXPECT_TRUE(unread.error().message().contains(note.string()));
  EXPECT_EQ(check_uploads(node_.node).health, Health::kWarn);
  EXPECT_EQ(list_checkpoints(node_.node, "")->checkpoints.size(), 1U);
  ASSERT_FALSE(upload());
  EXPECT_EQ(failures().size(), 1U);
}

TEST_F(UploadFailuresTest, TheNoteOfThisVersionStaysReadable) {
  const std::vector<UploadFailure> failures{{.remote = "depot",
                                             .since = 1'796'000'000'000,
                                             .last = 1'796'000'300'000,
                                             .reason = "the secret key does not fit",
                                             .hint = "correct the remote's secret key"}};
  golden::expect_current("note/upload-failures-v1.json", encode(failures));
  const auto read = decode_upload_failures(golden::read("note/upload-failures-v1.json"));
  ASSERT_TRUE(read) << read.error().details();
  EXPECT_EQ(encode(*read), encode(failures));
}

}  // namespace
}  // namespace reprise::operations
