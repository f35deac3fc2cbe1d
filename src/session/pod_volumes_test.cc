// SPDX-License-Identifier: Apache-2.0
//
// A pod's emptyDirs: those of the new pod get what the old one's held, once, and never while a
// container of it works in them.
#include "session/pod_volumes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "container/pod_volumes.h"
#include "session/internal/test_restore.h"

namespace reprise::session {
namespace {

class PodVolumesTest : public RestoreTest {
 protected:
  PodVolumesTest() {
    fs::create_directories(volume("old"));
    write(volume("old") / "file", "saved");
    configure_pod("old");
  }
  void SetUp() override {
    RestoreTest::SetUp();
    fs::create_directories(volume("new"));
    write(volume("new") / "by-init", "new");
    configure_pod("new");
  }
  fs::path volume(const std::string& pod) const {
    return scratch_ / "kubelet/pods" / pod / "volumes/kubernetes.io~empty-dir/cache";
  }
  void configure_pod(const std::string& uid, const std::string& name = "cache") const {
    configure(
        R"(,"mounts":[{"type":"bind","source":")" + (volume(uid).parent_path() / name).string() +
        R"(","destination":"/cache"}],"annotations":{)" +
        R"("io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-uid":")" +
        uid + R"(","io.kubernetes.cri.container-name":"main"})");
  }
  std::optional<std::string> filled_from() const {
    return container::filled_from({.name = "cache", .directory = volume("new"), .destinations = {}})
        .value();
  }
  void expect_as_it_was() const {
    EXPECT_EQ(read(volume("new") / "by-init"), "new");
    EXPECT_EQ(std::distance(fs::directory_iterator(volume("new")), fs::directory_iterator()), 1);
  }
  void expect_only_saved() const {
    EXPECT_EQ(read(volume("new") / "file"), "saved");
    EXPECT_EQ(std::distance(fs::directory_iterator(volume("new")), fs::directory_iterator()), 1);
  }
};

TEST_F(PodVolumesTest, TheNewPodHasWhatTheOldOneHad) {
  const auto outcome = restore();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  expect_only_saved();
}

// What begins anew instead finds what a new pod has; the next attempt fills it again.
TEST_F(PodVolumesTest, ARestoreThatFailsLeavesItAsItWas) {
  fs::permissions(volume("new"), fs::perms::owner_all);
  ASSERT_FALSE(restore(Wrapper::kTellsFailure).ok());
  expect_as_it_was();
  EXPECT_EQ(fs::status(volume("new")).permissions(), fs::perms::owner_all);
  EXPECT_EQ(filled_from(), std::nullopt);
  expect_undone();
}

// Another container of the pod comes: it goes on with what the first one writes there.
TEST_F(PodVolumesTest, IsFilledOnce) {
  ASSERT_TRUE(restore().ok());
  EXPECT_EQ(filled_from(), "old");
  expect_only_saved();
}

// That of the container which stood still last has what all of them wrote.
TEST_F(PodVolumesTest, IsFilledFromTheNewestCopy) {
  write(volume("old") / "file", "newer");
  configure_pod("old");
  const base::UnixMillis first = base::now_unix_millis();
  while (base::now_unix_millis() <= first) continue;
  auto writer = std::move(*store_->begin({}));
  ASSERT_TRUE(capture_volumes(*writer, oci::load_spec(bundle_).value(), bundle_, Volumes::kOfPod));
  ASSERT_TRUE(writer->pages().absorb());
  image::Manifest facts{.key = base::ContainerKey("@pod:old:second"), .created = 9};
  facts.ended = true;
  const auto sealed = writer->seal(facts);
  ASSERT_TRUE(sealed) << sealed.error().message();
  ASSERT_TRUE(writer->settle());
  ASSERT_TRUE(catalog().add_checkpoint(*sealed, "", catalog::Catalog::Continue::kNo));
  writer.reset();
  configure_pod("new");
  const auto outcome = restore();
  ASSERT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(read(volume("new") / "file"), "newer");
}

TEST_F(PodVolumesTest, WhatCannotBeUnpackedLeavesItAsItWas) {
  ::setenv("REPRISE_FAULT", "volume-unpacked:fail", 1);  // NOLINT: no other thread
  EXPECT_FALSE(restore(Wrapper::kTellsFailure).ok());
  ::unsetenv("REPRISE_FAULT");  // NOLINT
  expect_as_it_was();
  expect_undone();
}

TEST_F(PodVolumesTest, AMissingOneIsNamed) {
  configure_pod("new", "other");
  fs::create_directories(volume("new").parent_path() / "other");
  const auto outcome = restore();
  EXPECT_EQ(outcome.code, base::ErrorCode::kInvalidInput) << "the pod begins anew";
  EXPECT_TRUE(outcome.reason.contains("emptyDir 'cache'")) << outcome.reason;
  expect_undone();
}

}  // namespace
}  // namespace reprise::session
