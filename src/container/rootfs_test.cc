// SPDX-License-Identifier: Apache-2.0
#include "container/rootfs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "container/file_tree.h"
#include "container/test_archive.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/test_directory.h"

namespace reprise::container {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

// A real overlay over an "image" of three files and a directory, and an archive of the changes that
// a container made to the same image: one file added, one deleted, a directory emptied and filled.
class RootfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount: run the tests with sudo";
    for (const char* name : {"image/dir", "upper", "work", "rootfs", "other", "otherwork"})
      fs::create_directories(dir_ / name);
    for (const char* name : {"image/kept", "image/deleted", "image/dir/old"}) [[maybe_unused]]
      const auto made = dir_.file(name, "of the image");
    mount("other", "otherwork", 0);
    [[maybe_unused]] auto made = dir_.file("rootfs/added", "by the container");
    fs::remove(dir_ / "rootfs/deleted");
    fs::remove_all(dir_ / "rootfs/dir");
    fs::create_directory(dir_ / "rootfs/dir");
    made = dir_.file("rootfs/dir/new", "by the container");
    ASSERT_EQ(::umount(rootfs().c_str()), 0);
    ASSERT_TRUE(archive_into(dir_ / "other", archive()));
    mount("upper", "work", MS_NODEV);
    made = dir_.file("rootfs/prepared", "by the caller");
  }
  void TearDown() override { ::umount2((dir_ / "rootfs").c_str(), MNT_DETACH); }

  void mount(const std::string& upper, const std::string& work, unsigned long flags) {
    const std::string options = "lowerdir=" + (dir_ / "image").string() +
                                ",upperdir=" + (dir_ / upper).string() +
                                ",workdir=" + (dir_ / work).string();
    ASSERT_EQ(::mount("overlay", rootfs().c_str(), "overlay", flags, options.c_str()), 0);
  }
  [[nodiscard]] fs::path rootfs() const { return dir_ / "rootfs"; }
  [[nodiscard]] fs::path archive() const { return dir_ / "changes.tar"; }
  [[nodiscard]] fs::path notes() const { return dir_ / "notes"; }
  [[nodiscard]] std::set<std::string> names(const std::string& below) const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(dir_ / below))
      found.insert(entry.path().filename());
    return found;
  }
  void expect_as_before() const {
    EXPECT_EQ(names("rootfs"), (std::set<std::string>{"deleted", "dir", "kept", "prepared"}));
    EXPECT_EQ(names("rootfs/dir"), std::set<std::string>{"old"});
    expect_nothing_beside();
  }
  void expect_nothing_beside() const {
    EXPECT_EQ(names(""), (std::set<std::string>{"changes.tar", "image", "other", "otherwork",
                                                "rootfs", "upper", "work"}));
    EXPECT_EQ(sys::find_mount(rootfs()).value()->mount_options, "rw,nodev,relatime");
  }
  sys::TestDirectory dir_;
};

TEST_F(RootfsTest, TheChangesTakeThePlaceOfWhatWasThere) {
  const std::string before = identity_of_upper(dir_ / "upper").value();
  EXPECT_EQ(identity_of_upper(dir_ / "upper").value(), before);
  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  EXPECT_EQ(names("rootfs"), (std::set<std::string>{"added", "dir", "kept"}));
  EXPECT_EQ(names("rootfs/dir"), std::set<std::string>{"new"});
  EXPECT_EQ(sys::read_file(rootfs() / "added").value(), "by the container");
  EXPECT_NE(identity_of_upper(dir_ / "upper").value(), before);
  ASSERT_TRUE(keep_exchange(notes()));
  expect_nothing_beside();
  ASSERT_TRUE(undo_exchange(notes())) << "there is nothing left to undo";
  EXPECT_TRUE(fs::exists(rootfs() / "added"));
}

TEST_F(RootfsTest, UndoingBringsBackWhatWasThere) {
  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  ASSERT_TRUE(undo_exchange(notes()));
  expect_as_before();
  ASSERT_TRUE(undo_exchange(notes()));
  ASSERT_TRUE(keep_exchange(notes()));
  expect_as_before();
}

// The process may be killed after each step; the notes say how to go back.
TEST_F(RootfsTest, UndoingWorksFromWhereverItStopped) {
  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  ASSERT_EQ(::umount(rootfs().c_str()), 0);
  ASSERT_TRUE(undo_exchange(notes())) << "not mounted again";
  expect_as_before();

  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  ASSERT_EQ(::umount(rootfs().c_str()), 0);
  fs::rename(dir_ / "upper", dir_ / "upper.reprise-new");
  ASSERT_TRUE(undo_exchange(notes())) << "between the renames";
  expect_as_before();
}

// A power cut during a restore, and the next restore fails.
TEST_F(RootfsTest, WhatWasThereFirstIsKept) {
  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  fs::remove(notes());
  ASSERT_TRUE(exchange_changes(rootfs(), archive(), notes()));
  EXPECT_TRUE(fs::exists(rootfs() / "added"));
  ASSERT_TRUE(undo_exchange(notes()));
  expect_as_before();
}

TEST_F(RootfsTest, OneThatIsInUseIsLeftAlone) {
  const auto user = sys::open_file(rootfs() / "kept", O_RDONLY).value();
  const auto refused = exchange_changes(rootfs(), archive(), notes());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  ASSERT_TRUE(undo_exchange(notes()));
  expect_as_before();
}

TEST_F(RootfsTest, ADirectoryThatIsNoOverlayIsRefused) {
  const auto refused = exchange_changes(dir_ / "image", archive(), notes());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  expect_as_before();
}

}  // namespace
}  // namespace reprise::container
