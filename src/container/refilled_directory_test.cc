// SPDX-License-Identifier: Apache-2.0
#include "container/refilled_directory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace reprise::container {
namespace {

namespace fs = std::filesystem;

class RefilledDirectory : public testing::Test {
 protected:
  RefilledDirectory() { fs::create_directories(contents_); }
  ~RefilledDirectory() override { fs::remove_all(scratch_); }
  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  static std::string read(const fs::path& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  static std::pair<dev_t, ino_t> inode(const fs::path& file) {
    struct stat status{};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return {status.st_dev, status.st_ino};
  }
  base::Result<void> replace(const Inodes& mounted = {}) const {
    return replace_contents(volume_, contents_, mounted);
  }
  std::string template_ = testing::TempDir() + "refilled-XXXXXX";
  fs::path scratch_ = ::mkdtemp(template_.data());
  fs::path volume_ = scratch_ / "volume";
  fs::path contents_ = volume_ / ".filling";
};

TEST_F(RefilledDirectory, HoldsTheContentsAndNothingElse) {
  write(volume_ / "by-init/deep", "new");
  write(volume_ / "same", "new");
  write(contents_ / "same", "old");
  write(contents_ / "sub/a", "old");
  fs::permissions(contents_, fs::perms::owner_all);
  ASSERT_TRUE(replace());
  EXPECT_EQ(read(volume_ / "same"), "old");
  EXPECT_EQ(read(volume_ / "sub/a"), "old");
  EXPECT_FALSE(fs::exists(volume_ / "by-init"));
  EXPECT_FALSE(fs::exists(contents_));
  EXPECT_EQ(fs::status(volume_).permissions(), fs::perms::owner_all);
}

TEST_F(RefilledDirectory, WhatIsMountedByItselfStaysTheSameAndGetsTheContents) {
  write(volume_ / "a/part/new", "new");
  write(volume_ / "a/config", "longer than before");
  const Inodes mounted = {inode(volume_ / "a/part"), inode(volume_ / "a/config")};
  write(contents_ / "a/part/old", "old");
  write(contents_ / "a/config", "old");
  ASSERT_TRUE(replace(mounted));
  EXPECT_EQ(mounted, (Inodes{inode(volume_ / "a/part"), inode(volume_ / "a/config")}));
  EXPECT_EQ(read(volume_ / "a/part/old"), "old");
  EXPECT_EQ(read(volume_ / "a/config"), "old");
  EXPECT_FALSE(fs::exists(volume_ / "a/part/new"));
}

TEST_F(RefilledDirectory, LinksAreRemovedAndNotFollowed) {
  const fs::path outside = scratch_ / "outside";
  write(outside / "file", "kept");
  fs::create_directory_symlink(outside, volume_ / "link");
  fs::create_symlink(outside / "file", volume_ / "file");
  write(contents_ / "link/file", "old");
  write(contents_ / "file", "old");
  ASSERT_TRUE(replace());
  EXPECT_EQ(read(outside / "file"), "kept");
  EXPECT_EQ(read(volume_ / "link/file"), "old");
  EXPECT_FALSE(fs::is_symlink(volume_ / "file"));
}

TEST_F(RefilledDirectory, WhatWasSomethingElseIsRefusedByName) {
  write(volume_ / "part/new", "new");
  write(contents_ / "part", "a file");
  const auto done = replace({inode(volume_ / "part")});
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().message().contains("/part'")) << done.error().message();
}

class ExchangedDirectory : public RefilledDirectory {
 protected:
  ExchangedDirectory() {
    write(volume_ / "by-init/deep", "new");
    write(volume_ / "a/part/new", "new");
    write(volume_ / "a/config", "new");
    write(contents_ / "a/part/old", "old");
    write(contents_ / "a/config", "old and longer");
    mounted_ = {inode(volume_ / "a/part"), inode(volume_ / "a/config")};
    fs::permissions(volume_, fs::perms::owner_all);
  }
  void expect_as_before() const {
    EXPECT_EQ(read(volume_ / "by-init/deep"), "new");
    EXPECT_EQ(read(volume_ / "a/part/new"), "new");
    EXPECT_EQ(read(volume_ / "a/config"), "new");
    EXPECT_FALSE(fs::exists(volume_ / "a/part/old"));
    EXPECT_EQ(mounted_, (Inodes{inode(volume_ / "a/part"), inode(volume_ / "a/config")}));
    EXPECT_EQ(fs::status(volume_).permissions(), fs::perms::owner_all);
    EXPECT_EQ(std::distance(fs::directory_iterator(volume_), fs::directory_iterator()), 2);
  }
  fs::path aside_ = volume_ / ".before";
  Inodes mounted_;
};

TEST_F(ExchangedDirectory, CanBeBroughtBack) {
  ASSERT_TRUE(exchange_contents(volume_, contents_, aside_, mounted_));
  EXPECT_EQ(read(volume_ / "a/part/old"), "old");
  EXPECT_EQ(read(volume_ / "a/config"), "old and longer");
  EXPECT_FALSE(fs::exists(volume_ / "by-init"));
  EXPECT_FALSE(fs::exists(volume_ / "a/part/new"));
  write(volume_ / "since", "then");
  for (int time = 0; time < 2; ++time) {
    ASSERT_TRUE(bring_back(volume_, aside_, mounted_));
    expect_as_before();
  }
}

// Whoever moved it there, or back, was killed.
TEST_F(ExchangedDirectory, CanBeBroughtBackFromTheMiddle) {
  fs::remove_all(contents_);
  const fs::path part = aside_.string() + ".part";
  fs::create_directories(part);
  fs::permissions(part, fs::perms::owner_all);
  fs::rename(volume_ / "by-init", part / "by-init");
  ASSERT_TRUE(bring_back(volume_, aside_, mounted_));
  expect_as_before();
}

// No file can be written beyond so many bytes, as if the disk were full or the writer killed there.
class ShortFiles {
 public:
  explicit ShortFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~ShortFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  ShortFiles(const ShortFiles&) = delete;
  ShortFiles& operator=(const ShortFiles&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

// Half a copy was laid over the file itself, which is mounted by itself in a container.
TEST_F(ExchangedDirectory, ACopyThatWasCutOffIsNoCopy) {
  const std::string whole(1 << 20, 'x');
  write(volume_ / "a/config", whole);
  {
    const ShortFiles half(whole.size() / 2);
    ASSERT_FALSE(exchange_contents(volume_, contents_, aside_, mounted_));
  }
  fs::remove_all(contents_);
  ASSERT_TRUE(bring_back(volume_, aside_, mounted_));
  EXPECT_EQ(read(volume_ / "a/config") == whole, true) << fs::file_size(volume_ / "a/config");
  write(volume_ / "a/config", "new");
  expect_as_before();
}

}  // namespace
}  // namespace reprise::container
