// SPDX-License-Identifier: Apache-2.0
//
// A volume that gets the contents of the checkpoint: what it held is there again if the container
// does not run, and gone if it does.
#include "session/volumes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "oci/annotations.h"
#include "session/internal/test_restore.h"

namespace reprise::session {
namespace {

class VolumesTest : public RestoreTest {
 protected:
  VolumesTest() {
    fs::create_directories(volume_);
    write(volume_ / "file", "saved");
    configure(mounts_);
  }
  // Since the checkpoint another container wrote to it, and this one is made to have it back.
  void SetUp() override {
    RestoreTest::SetUp();
    write(volume_ / "file", "newer");
    configure(mounts_ + R"(,"annotations":{")" + oci::annotation::kFillVolumes + R"(":")" +
              checkpoint_.str() + R"("})");
  }
  // Beside the volume.
  bool is_aside() const {
    return fs::exists(volume_.parent_path() / (".reprise-aside-" + session_.str()));
  }
  fs::path volume_ = scratch_ / "volumes/data/_data";
  std::string mounts_ =
      R"(,"mounts":[{"type":"bind","source":")" + volume_.string() + R"(","destination":"/data"}])";
};

TEST_F(VolumesTest, WhatAVolumeHeldGoesWhenTheContainerRuns) {
  criu_.before = [this](const std::string& name) {
    if (name != "tasks_made") return;
    EXPECT_EQ(read(volume_ / "file"), "saved");
    EXPECT_TRUE(is_aside());
  };
  const auto outcome = restore();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(read(volume_ / "file"), "saved");
  EXPECT_FALSE(is_aside());
}

// What is to be removed is known from the journal: by then the bundle may be another's.
TEST_F(VolumesTest, ItGoesAlsoWhereTheBundleIsGone) {
  criu_.before = [this](const std::string& name) {
    if (name == "leave") fs::remove(bundle_ / "config.json");
  };
  EXPECT_TRUE(restore().ok());
  EXPECT_FALSE(is_aside());
}

TEST_F(VolumesTest, WhoTakesOverRemovesItAsWell) {
  ASSERT_TRUE(journal().write(
      undo::VolumePutAside{.directory = volume_,
                           .aside = volume_.parent_path() / (".reprise-aside-" + session_.str())}));
  fs::create_directories(volume_.parent_path() / (".reprise-aside-" + session_.str()));
  ASSERT_TRUE(catalog().consume_claim(host::key_of(request_), session_));
  fs::remove(bundle_ / "config.json");
  EXPECT_TRUE(settle_session().ok());
  EXPECT_FALSE(is_aside());
}

// What that one found would come back later, under whoever uses the volume by then.
TEST_F(VolumesTest, OneThatAnotherRestoreHasNotGivenBackYetIsNotFilled) {
  const base::SessionId other("sess00000009");
  fs::create_directories(volume_.parent_path() / (".reprise-aside-" + other.str()));
  ASSERT_TRUE(sys::make_directories(layout_.session_run_directory(other)));
  write(volume_ / "file", "saved");  // by that one
  const auto outcome = restore();
  EXPECT_EQ(outcome.code, base::ErrorCode::kBusy) << outcome.reason;
  EXPECT_TRUE(outcome.reason.contains("'sess00000009' was cut off")) << outcome.reason;
  EXPECT_FALSE(is_aside());
}

class FailingVolumesTest : public VolumesTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, FailingVolumesTest,
                         testing::Values("noted-volume-put-aside", "restore-files", "post-restore",
                                         "claim-held"),
                         [](const auto& at) { return std::to_string(at.index); });

TEST_P(FailingVolumesTest, AVolumeHoldsAgainWhatItHeld) {
  ::setenv("REPRISE_FAULT", (std::string(GetParam()) + ":fail").c_str(), 1);  // NOLINT
  const bool of_engine = std::string_view(GetParam()) != "claim-held";
  EXPECT_FALSE(restore(of_engine ? Wrapper::kTellsFailure : Wrapper::kTellsSuccess).ok());
  ::unsetenv("REPRISE_FAULT");  // NOLINT: no other thread
  EXPECT_EQ(read(volume_ / "file"), "newer");
  EXPECT_FALSE(is_aside());
  expect_undone();
}

}  // namespace
}  // namespace reprise::session
