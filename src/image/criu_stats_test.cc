// SPDX-License-Identifier: Apache-2.0
#include "image/criu_stats.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace reprise::image {
namespace {

using base::ErrorCode;

// Written by CRIU 4.2.1 for a `sleep`; the expected values are those of `protoc --decode_raw`.
std::string real_file() {
  std::ifstream file(std::string(REPRISE_IMAGE_TESTDATA) + "/stats-dump", std::ios::binary);
  EXPECT_TRUE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CriuStatsTest, RealFile) {
  const auto stats = decode_dump_stats(real_file());
  ASSERT_TRUE(stats) << stats.error().message();
  EXPECT_EQ(*stats, (CriuDumpStats{.freezing_us = 208,
                                   .frozen_us = 27236,
                                   .memdump_us = 924,
                                   .memwrite_us = 418,
                                   .pages_written = 32}));
}

TEST(CriuStatsTest, EveryTruncationIsCorrupt) {
  const std::string file = real_file();
  for (std::size_t length = 0; length < file.size(); ++length) {
    const auto stats = decode_dump_stats(file.substr(0, length));
    ASSERT_FALSE(stats) << length;
    EXPECT_EQ(stats.error().code(), ErrorCode::kCorrupt);
  }
}

TEST(CriuStatsTest, TrailingBytesAreCorrupt) {
  EXPECT_EQ(decode_dump_stats(real_file() + 'x').error().code(), ErrorCode::kCorrupt);
}

TEST(CriuStatsTest, OtherImageFilesAreCorrupt) {
  std::string file = real_file();
  file[4] = static_cast<char>(file[4] + 1);  // the magic of the kind
  EXPECT_EQ(decode_dump_stats(file).error().message(), "not a statistics file of CRIU");
}

TEST(CriuStatsTest, StatisticsOfARestoreAreRefused) {
  std::string file = real_file();
  ASSERT_EQ(file[12], '\x0a');  // field 1 with a length: the dump
  file[12] = '\x12';            // field 2: the restore
  const auto stats = decode_dump_stats(file);
  ASSERT_FALSE(stats);
  EXPECT_TRUE(stats.error().message().contains("not about a dump")) << stats.error().message();
}

TEST(CriuStatsTest, DamagedMessageIsCorrupt) {
  std::string file = real_file();
  file[13] = '\x7f';  // a length beyond the end
  EXPECT_EQ(decode_dump_stats(file).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace reprise::image
