// SPDX-License-Identifier: Apache-2.0
#include "container/file_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "container/test_archive.h"
#include "sys/files.h"
#include "sys/unique_fd.h"

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
  void bind_socket(const std::string& file) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = (root_ / file).string();
    ASSERT_LT(path.size(), sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    const sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  void set_time(const std::string& file, time_t seconds, long nanoseconds) {
    const timespec time{.tv_sec = seconds, .tv_nsec = nanoseconds};
    const std::array<timespec, 2> times{time, time};
    ASSERT_EQ(::utimensat(AT_FDCWD, (root_ / file).c_str(), times.data(), 0), 0) << file;
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

  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
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
  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));
  EXPECT_TRUE(S_ISCHR(stat_of("to/gone").st_mode));
  EXPECT_EQ(stat_of("to/gone").st_rdev, 0U);
  EXPECT_EQ(stat_of("to/owned").st_uid, 1234U);
  EXPECT_EQ(stat_of("to/owned").st_gid, 5678U);
}

TEST_F(FileTreeTest, KeepsSockets) {
  // GNU tar leaves them out, and a program may look for the file of one that nobody listens on.
  fs::create_directories(root_ / "from/run");
  bind_socket("from/run/listening");
  bind_socket("from/top \n\xff");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((root_ / "from/run/listening").c_str(), 1234, 5678), 0);
  }
  ASSERT_EQ(::chmod((root_ / "from/run/listening").c_str(), 0640), 0);
  set_time("from/run/listening", 1'000'000'001, 23);
  set_time("from/run", 1'000'000'002, 45);

  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
  EXPECT_EQ(stat_of("tree.tar.sockets").st_mode & 0777, 0600U);
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));

  const struct stat socket = stat_of("to/run/listening");
  EXPECT_TRUE(S_ISSOCK(socket.st_mode));
  EXPECT_EQ(socket.st_mode & 07777, 0640U);
  if (::geteuid() == 0) {
    EXPECT_EQ(socket.st_uid, 1234U);
    EXPECT_EQ(socket.st_gid, 5678U);
  }
  EXPECT_EQ(socket.st_mtim.tv_sec, 1'000'000'001);
  EXPECT_EQ(socket.st_mtim.tv_nsec, 23);
  EXPECT_EQ(stat_of("to/run").st_mtim.tv_sec, 1'000'000'002);
  EXPECT_EQ(stat_of("to/run").st_mtim.tv_nsec, 45);
  EXPECT_TRUE(S_ISSOCK(stat_of("to/top \n\xff").st_mode));
}

TEST_F(FileTreeTest, MakesNoSocketOutsideOfTheTree) {
  fs::create_directories(root_ / "elsewhere");
  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
  const auto extract_with_socket = [&](const std::string& path) {
    std::ofstream(root_ / "tree.tar.sockets") << "640 0 0 1 0 " << path << '\0';
    return extract_tree(root_ / "tree.tar", root_ / "to");
  };
  fs::create_directory_symlink(root_ / "elsewhere", root_ / "to/link");
  EXPECT_FALSE(extract_with_socket("../elsewhere/socket"));
  EXPECT_FALSE(extract_with_socket("link/socket"));
  EXPECT_FALSE(extract_with_socket((root_ / "elsewhere/socket").string()));
  EXPECT_TRUE(fs::is_empty(root_ / "elsewhere"));
  EXPECT_FALSE(extract_with_socket(".."));
  EXPECT_FALSE(extract_with_socket(""));
  EXPECT_TRUE(extract_with_socket("socket"));
}

TEST_F(FileTreeTest, KeepsNamesTimesSizesAndSpecialFiles) {
  const std::string odd = "line\nfeed \xff\xfe *?\\ 'quoted'";
  const std::string deep(250, 'd');
  fs::create_directories(root_ / "from" / deep / deep);
  std::ofstream(root_ / "from" / odd) << "odd";
  std::ofstream(root_ / "from" / deep / deep / std::string(250, 'f')) << "deep";
  fs::create_directories(root_ / "from/sticky");
  ASSERT_EQ(::chmod((root_ / "from/sticky").c_str(), 03777), 0);
  ASSERT_EQ(::mkfifo((root_ / "from/fifo").c_str(), 0622), 0);
  ASSERT_EQ(::chmod((root_ / "from/fifo").c_str(), 0622), 0);
  // Beyond what old archives can say, and all but empty.
  std::ofstream(root_ / "from/huge") << "begin";
  fs::resize_file(root_ / "from/huge", std::uintmax_t{9} << 30);
  set_time("from/huge", 1'600'000'000, 123'456'789);
  set_time("from/sticky", -1, 5);

  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));

  EXPECT_EQ(sys::read_file(root_ / "to" / odd).value(), "odd");
  EXPECT_EQ(sys::read_file(root_ / "to" / deep / deep / std::string(250, 'f')).value(), "deep");
  EXPECT_EQ(stat_of("to/sticky").st_mode, stat_of("from/sticky").st_mode);
  EXPECT_EQ(stat_of("to/sticky").st_mtim.tv_sec, -1);
  EXPECT_EQ(stat_of("to/fifo").st_mode, stat_of("from/fifo").st_mode);
  EXPECT_EQ(stat_of("to/huge").st_size, stat_of("from/huge").st_size);
  EXPECT_EQ(stat_of("to/huge").st_blocks, stat_of("from/huge").st_blocks);
  EXPECT_EQ(stat_of("to/huge").st_mtim.tv_nsec, 123'456'789);
}

TEST_F(FileTreeTest, TellsWhetherATreeIsWhatWasArchived) {
  fs::create_directories(root_ / "from/sub");
  std::ofstream(root_ / "from/sub/file") << "contents";
  std::ofstream(root_ / "from/two\nlines") << "x";
  bind_socket("from/sub/socket");
  ASSERT_TRUE(archive_into(root_ / "from", root_ / "tree.tar"));
  const auto same = [&](const char* directory) {
    return tree_equals(root_ / "tree.tar", root_ / directory).value();
  };
  EXPECT_TRUE(same("from"));
  EXPECT_FALSE(same("to"));
  ASSERT_TRUE(extract_tree(root_ / "tree.tar", root_ / "to"));
  EXPECT_TRUE(same("to"));
  // One more than there were, which no comparison of the archive's entries finds.
  std::ofstream(root_ / "to/sub/more") << "x";
  set_time("to/sub", stat_of("from/sub").st_mtim.tv_sec, stat_of("from/sub").st_mtim.tv_nsec);
  EXPECT_FALSE(same("to"));
  fs::remove(root_ / "to/sub/more");
  set_time("to/sub", stat_of("from/sub").st_mtim.tv_sec, stat_of("from/sub").st_mtim.tv_nsec);
  EXPECT_TRUE(same("to"));
  std::ofstream(root_ / "to/sub/file") << "CONTENTS";
  EXPECT_FALSE(same("to"));
}

TEST_F(FileTreeTest, PutsContentsAsideAndBack) {
  std::ofstream(root_ / "to/old") << "old";
  ASSERT_EQ(::chmod((root_ / "to").c_str(), 01730), 0);
  const struct stat before = stat_of("to");
  ASSERT_TRUE(put_contents_aside(root_ / "to", root_ / "aside"));
  EXPECT_TRUE(fs::is_empty(root_ / "to"));
  // Whoever fills it meanwhile has attributes of his own for it.
  std::ofstream(root_ / "to/new") << "new";
  ASSERT_EQ(::chmod((root_ / "to").c_str(), 0700), 0);
  ASSERT_TRUE(put_contents_back(root_ / "to", root_ / "aside"));
  EXPECT_EQ(stat_of("to").st_mode, before.st_mode);
  EXPECT_EQ(stat_of("to").st_uid, before.st_uid);
  EXPECT_EQ(sys::read_file(root_ / "to/old").value(), "old");
  EXPECT_FALSE(fs::exists(root_ / "to/new"));
  EXPECT_FALSE(fs::exists(root_ / "aside"));
  // Nothing is aside: what is there stays.
  ASSERT_TRUE(put_contents_back(root_ / "to", root_ / "aside"));
  EXPECT_TRUE(fs::exists(root_ / "to/old"));
}

TEST_F(FileTreeTest, NamesWhatCannotBeCopied) {
  const auto missing = archive_into(root_ / "nowhere", root_ / "tree.tar");
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
