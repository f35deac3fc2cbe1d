// SPDX-License-Identifier: Apache-2.0
#include "sys/file_mapping.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;

constexpr std::size_t kPage = 4096;

class FileMappingTest : public testing::Test {
 protected:
  UniqueFd file_of(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + i / kPage);
    return open_file(directory_.file("file", text), O_RDWR).value();
  }
  TestDirectory directory_;
};

bool all_are(std::span<const std::byte> bytes, char c) {
  return std::ranges::all_of(bytes, [c](std::byte b) { return static_cast<char>(b) == c; });
}

TEST_F(FileMappingTest, ShowsAStretchAndZerosAfterTheEnd) {
  UniqueFd fd = file_of(2 * kPage + 100);
  auto mapping = FileMapping::map(fd.get(), kPage, kPage + 100);
  ASSERT_TRUE(mapping) << mapping.error().message();
  fd.reset();
  remove_tree(directory_.path() / "file").value();
  const FileMapping moved = std::move(*mapping);
  ASSERT_EQ(moved.bytes().size(), kPage + 100);
  ASSERT_EQ(moved.pages().size(), 2 * kPage);
  EXPECT_TRUE(all_are(moved.bytes().first(kPage), 'b'));
  EXPECT_TRUE(all_are(moved.bytes().subspan(kPage), 'c'));
  EXPECT_TRUE(all_are(moved.pages().subspan(kPage + 100), '\0'));
}

TEST_F(FileMappingTest, NothingIsMappedOfNothing) {
  const UniqueFd fd = file_of(0);
  const auto mapping = FileMapping::map(fd.get(), 0, 0);
  ASSERT_TRUE(mapping) << mapping.error().message();
  EXPECT_TRUE(mapping->bytes().empty());
  EXPECT_TRUE(mapping->pages().empty());
}

TEST_F(FileMappingTest, AFileThatIsShorterIsAnError) {
  const UniqueFd fd = file_of(kPage);
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{kPage}, UINT64_MAX - kPage + 1}) {
    const auto mapping = FileMapping::map(fd.get(), offset, 2 * kPage);
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().code(), ErrorCode::kIo);
  }
}

TEST_F(FileMappingTest, WhatCannotBeMappedIsAnError) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd read(ends[0]);
  const UniqueFd write(ends[1]);
  EXPECT_FALSE(FileMapping::map(read.get(), 0, kPage));
  EXPECT_FALSE(FileMapping::map(-1, 0, kPage));
}

}  // namespace
}  // namespace reprise::sys
