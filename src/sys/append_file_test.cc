// SPDX-License-Identifier: Apache-2.0
#include "sys/append_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/id.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

std::string noise(std::size_t bytes) {
  std::mt19937 random(3);  // NOLINT: the same in every run
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// Appends `text` in pieces, whose sizes take turns.
Result<void> append(AppendFile& file, std::string_view text) {
  constexpr std::size_t kSizes[] = {1, 4095, 100'000, 3 << 20, 4096};
  for (std::size_t at = 0, i = 0; at < text.size(); ++i) {
    const std::string_view piece = text.substr(at, kSizes[i % std::size(kSizes)]);
    REPRISE_PASS(file.append(std::as_bytes(std::span(piece))));
    at += piece.size();
  }
  return {};
}

void expect_written(const path& file, std::size_t bytes) {
  const std::string text = noise(bytes);
  auto writer = AppendFile::create(file);
  ASSERT_TRUE(writer) << writer.error().message();
  ASSERT_TRUE(append(*writer, text));
  EXPECT_EQ(writer->size(), bytes);
  AppendFile moved = std::move(*writer);
  const auto finished = moved.finish();
  ASSERT_TRUE(finished) << finished.error().message();
  EXPECT_EQ(moved.size(), bytes);
  EXPECT_TRUE(read_file(file).value() == text) << bytes;
}

TEST(AppendFileTest, HoldsWhatWasAppended) {
  const TestDirectory directory;
  int number = 0;
  for (const std::size_t bytes : {0U, 1U, 4096U, 5000U, 4U << 20U, (4U << 20U) + 1, 13'000'000U})
    expect_written(directory / std::to_string(number++), bytes);
}

TEST(AppendFileTest, IsPrivateAndReplacesNothing) {
  const TestDirectory directory;
  const path file = directory / "file";
  ASSERT_TRUE(AppendFile::create(file));
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  const auto again = AppendFile::create(file);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error_number(), EEXIST);
}

// How many bytes of the file the kernel holds in its cache.
std::size_t cached(const path& file) {
  const UniqueFd fd = open_file(file, O_RDONLY).value();
  const std::size_t bytes = std::filesystem::file_size(file);
  void* const begin = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((bytes + page - 1) / page);
  EXPECT_EQ(::mincore(begin, bytes, pages.data()), 0);
  ::munmap(begin, bytes);
  return page * static_cast<std::size_t>(
                    std::ranges::count_if(pages, [](unsigned char p) { return (p & 1U) != 0; }));
}

TEST(AppendFileTest, GoesPastTheCacheWhereTheFileSystemCanDoThat) {
  const TestDirectory directory;
  const path file = directory / "file";
  auto writer = AppendFile::create(file).value();
  ASSERT_TRUE(append(writer, noise(13 << 20)));
  ASSERT_TRUE(writer.finish());
  struct statfs status{};
  ASSERT_EQ(::statfs(directory.path().c_str(), &status), 0);
  if (status.f_type == TMPFS_MAGIC)
    EXPECT_EQ(cached(file), std::size_t{13} << 20) << "a tmpfs is the cache";
  else
    EXPECT_LT(cached(file), std::size_t{4} << 20) << "more than the end of it";
}

TEST(AppendFileTest, WorksOnATmpfs) {
  const path file = "/dev/shm/reprise-append-" + base::random_id();
  expect_written(file, 5'000'000);
  remove_tree(file).value();
}

// As where a disk is full in the middle of a page, which O_DIRECT refuses to write.
TEST(AppendFileTest, WhatDoesNotFitIsToldAtTheLatestWhenItIsFinished) {
  const TestDirectory directory;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = (6U << 20U) + 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  for (const std::size_t bytes : {std::size_t{7} << 20, std::size_t{30} << 20}) {
    auto writer = AppendFile::create(directory / std::to_string(bytes));
    EXPECT_TRUE(writer) << bytes;
    Result<void> result = append(*writer, noise(bytes));
    if (result) result = writer->finish();
    EXPECT_FALSE(result) << bytes;
    EXPECT_EQ(result ? 0 : result.error().error_number(), EFBIG) << bytes;
    EXPECT_FALSE(writer->append({}));
    EXPECT_FALSE(writer->finish());
  }
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, signal);
}

}  // namespace
}  // namespace reprise::sys
