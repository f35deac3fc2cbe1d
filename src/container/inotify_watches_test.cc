// SPDX-License-Identifier: Apache-2.0
#include "container/inotify_watches.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "sys/test_directory.h"
#include "sys/unique_fd.h"

namespace reprise::container {
namespace {

WatchedInode inode_of(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return {.device = status.st_dev, .inode = status.st_ino};
}

TEST(InotifyWatches, AreReadAsTheKernelWritesThem) {
  const auto watches = parse_watches(
      "pos:\t0\nflags:\t02000000\nmnt_id:\t15\n"
      "inotify wd:3 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 fhandle-bytes:8 "
      "f_handle:7e9e\n"
      "inotify wd:2 ino:a111 sdev:fd00001 mask:100\n"
      "inotify wd:1 ino:x sdev:1 mask:100\n"
      "fanotify ino:1 sdev:1\n");
  EXPECT_EQ(watches, (std::set<WatchedInode>{{.device = makedev(8, 0x13), .inode = 0x9e7e},
                                             {.device = makedev(0xfd, 1), .inode = 0xa111},
                                             {.device = makedev(0, 1), .inode = 1}}));
}

// The real kernel's words for real watches of this very process.
TEST(InotifyWatches, AreFoundAndLeadBackToTheirPaths) {
  const sys::TestDirectory directory;
  std::filesystem::create_directories(directory / "a/b/c");
  const auto file = directory.file("a/file", "x");
  const sys::UniqueFd watcher(::inotify_init1(IN_CLOEXEC));
  for (const auto& path : {directory / "a/b/c", file, directory.path()})
    ASSERT_GE(::inotify_add_watch(watcher.get(), path.c_str(), IN_CREATE), 0);
  const auto watches = watches_of("/proc", ::getpid());
  EXPECT_TRUE(watches.contains(inode_of(directory / "a/b/c")));
  EXPECT_TRUE(watches.contains(inode_of(file)));
  auto paths = find_inodes(directory.path(), watches);
  std::ranges::sort(paths);
  EXPECT_EQ(paths, (std::vector<std::string>{"/", "/a/b/c", "/a/file"}));
}

TEST(InotifyWatches, WhatIsNowhereIsLeftOut) {
  const sys::TestDirectory directory;
  ASSERT_TRUE(std::filesystem::exists(directory.file("file", "x")));
  EXPECT_TRUE(find_inodes(directory.path(), {{.device = 1, .inode = 1}}).empty());
  EXPECT_TRUE(find_inodes(directory / "missing", {{.device = 1, .inode = 1}}).empty());
}

}  // namespace
}  // namespace reprise::container
