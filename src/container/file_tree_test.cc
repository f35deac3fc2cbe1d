// SPDX-License-Identifier: Apache-2.0
#include "container/file_tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sys/files.h"

namespace reprise::container {
namespace {

namespace fs = std::filesystem;

class FileTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "treeXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "from");
    fs::create_directories(root_ / "to");
  }
  void TearDown() override { fs::remove_all(root_); }
  struct stat stat_of(const std::string& file) {
    struct stat info{};
    EXPECT_EQ(::lstat((root_ / file).c_str(), &info), 0) << file;
    return info;
  }
  fs::path root_;
};

TEST_F(FileTreeTest, KeepsHardLinksModesSparseFilesAndLinks) {
  std::ofstream(root_ / "from/a") << "contents";
  fs::create_hard_link(root_ / "from/a", root_ / "from/b");
  fs::create_symlink("../nowhere", root_ / "from/dangling");
  ASSERT_EQ(::chmod((root_ / "from/a").c_str(), 04751), 0);
  std::ofstream(root_ / "from/sparse") << "x";
  fs::resize_file(root_ / "from/sparse", 64 << 20);

  ASSERT_TRUE(archive_tree(root_ / "from", root_ / "tree.tar"));
  EXPECT_LT(fs::file_size(root_ / "tree.tar"), 1U << 20);
  EXPECT_EQ(stat_of("tree.tar").st_mode & 0777, 0600U);
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));

  EXPECT_EQ(stat_of("to/a").st_ino, stat_of("to/b").st_ino);
  EXPECT_EQ(stat_of("to/a").st_mode & 07777, 04751U);
  EXPECT_EQ(fs::read_symlink(root_ / "to/dangling"), "../nowhere");
  EXPECT_EQ(stat_of("to/sparse").st_size, 64 << 20);
  EXPECT_LT(stat_of("to/sparse").st_blocks, 1000);
  EXPECT_EQ(sys::read_file(root_ / "to/a").value(), "contents");
}

TEST_F(FileTreeTest, KeepsWhiteoutsAndOwners) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for device nodes: run the tests with sudo";
  ASSERT_EQ(::mknod((root_ / "from/gone").c_str(), S_IFCHR, 0), 0);  // an overlay whiteout
  std::ofstream(root_ / "from/owned") << "x";
  ASSERT_EQ(::chown((root_ / "from/owned").c_str(), 1234, 5678), 0);
  ASSERT_TRUE(archive_tree(root_ / "from", root_ / "tree.tar"));
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));
  EXPECT_TRUE(S_ISCHR(stat_of("to/gone").st_mode));
  EXPECT_EQ(stat_of("to/gone").st_rdev, 0U);
  EXPECT_EQ(stat_of("to/owned").st_uid, 1234U);
  EXPECT_EQ(stat_of("to/owned").st_gid, 5678U);
}

TEST_F(FileTreeTest, NamesWhatCannotBeCopied) {
  const auto missing = archive_tree(root_ / "nowhere", root_ / "tree.tar");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("nowhere"), std::string::npos);
  std::ofstream(root_ / "broken.tar") << "this is no archive, not even a short one";
  EXPECT_FALSE(extract_tree(root_ / "broken.tar", root_ / "to"));
}

TEST_F(FileTreeTest, EmptiesADirectoryButKeepsIt) {
  fs::create_directories(root_ / "to/deep/er");
  std::ofstream(root_ / "to/file") << "x";
  ASSERT_TRUE(empty_directory(root_ / "to"));
  EXPECT_TRUE(fs::is_empty(root_ / "to"));
}

TEST_F(FileTreeTest, APlainDirectoryHasNoUpper) {
  EXPECT_EQ(overlay_upper(root_).value(), std::nullopt);
}

}  // namespace
}  // namespace reprise::container
