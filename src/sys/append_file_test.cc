// SPDX-License-Identifier: Apache-2.0
#include "sys/append_file.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <random>
#include <string>

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

class AppendFileOnTmpfsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::mount("none", directory_.path().c_str(), "tmpfs", 0, "size=6m") != 0)
      GTEST_SKIP() << "needs the right to mount a tmpfs: run as root";
    mounted_ = true;
  }
  void TearDown() override {
    if (!mounted_) return;
    EXPECT_EQ(::umount2(directory_.path().c_str(), MNT_DETACH), 0);
  }
  TestDirectory directory_;

 private:
  bool mounted_ = false;
};

TEST_F(AppendFileOnTmpfsTest, HoldsWhatWasAppended) {
  expect_written(directory_ / "file", 5'000'000);
}

TEST_F(AppendFileOnTmpfsTest, AFullDiskIsToldAtTheLatestWhenItIsFinished) {
  for (const std::size_t bytes : {std::size_t{7} << 20, std::size_t{30} << 20}) {
    const path file = directory_ / std::to_string(bytes);
    auto writer = AppendFile::create(file);
    ASSERT_TRUE(writer) << writer.error().message();
    Result<void> result = append(*writer, noise(bytes));
    if (result) result = writer->finish();
    ASSERT_FALSE(result) << bytes;
    EXPECT_EQ(result.error().error_number(), ENOSPC) << bytes;
    EXPECT_FALSE(writer->append({}));
    EXPECT_FALSE(writer->finish());
    remove_tree(file).value();
  }
}

}  // namespace
}  // namespace reprise::sys
