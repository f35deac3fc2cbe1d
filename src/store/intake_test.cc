// SPDX-License-Identifier: Apache-2.0
#include "store/intake.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "crypto/test_keys.h"
#include "pages/test_contents.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::store {
namespace {

using pages::kPageBytes;
using pages::kSegmentBytes;
using pages::noise;
using sys::value_of;

class IntakeTest : public testing::Test {
 protected:
  // In pieces of odd numbers of pages, as CRIU sends them.
  void send(std::string_view contents) {
    for (std::size_t pages = 1; !contents.empty(); pages = pages % 700 + 37) {
      const auto room = intake_.room();
      const std::size_t bytes = std::min({contents.size(), room.size(), pages * kPageBytes});
      std::memcpy(room.data(), contents.data(), bytes);
      ASSERT_TRUE(intake_.take(bytes));
      contents.remove_prefix(bytes);
    }
  }
  std::vector<std::pair<std::string, std::uint64_t>> files() const {
    std::vector<std::pair<std::string, std::uint64_t>> all;
    for (const auto& file : writer_.manifest_files()) all.emplace_back(file.name, file.bytes);
    return all;
  }
  // Of the file that is being added.
  bool is_stored() const { return !writer_.stored_files().empty(); }

  crypto::TenantKeys keys_ = crypto::test_keys();
  sys::TestDirectory directory_;
  pages::PageIndex index_ = value_of(pages::PageIndex::open(directory_.path(), keys_.pages));
  pages::PageWriter writer_{keys_, index_, directory_.path(), pages::Effort::kFast};
  std::uint64_t free_ = 0;
  Intake intake_{writer_, [this] { return free_; }};
};

TEST_F(IntakeTest, IsStoredAsItComesWhereNothingMayBeKept) {
  ASSERT_TRUE(intake_.begin("a"));
  send(noise(3 * kSegmentBytes));
  EXPECT_TRUE(is_stored());
  ASSERT_TRUE(intake_.begin("b"));
  send(noise(5 * kPageBytes, 2));
  ASSERT_TRUE(intake_.finish());
  EXPECT_EQ(files(), (std::vector<std::pair<std::string, std::uint64_t>>{{"a", 3 * kSegmentBytes},
                                                                         {"b", 5 * kPageBytes}}));
}

TEST_F(IntakeTest, NothingIsStoredBeforeTheEndWhereThereIsRoom) {
  free_ = std::uint64_t{1} << 40;
  ASSERT_TRUE(intake_.begin("a"));
  send(noise(40 * kSegmentBytes));  // longer than what is taken without looking again
  ASSERT_TRUE(intake_.begin("b"));
  EXPECT_FALSE(is_stored());
  ASSERT_TRUE(intake_.finish());
  EXPECT_EQ(files(), (std::vector<std::pair<std::string, std::uint64_t>>{{"a", 40 * kSegmentBytes},
                                                                         {"b", 0}}));
}

TEST_F(IntakeTest, WhatIsTooMuchIsStoredMeanwhile) {
  free_ = 12 * kSegmentBytes;
  ASSERT_TRUE(intake_.begin("a"));
  send(noise(2 * kSegmentBytes));
  EXPECT_FALSE(is_stored());
  send(noise(20 * kSegmentBytes, 2));
  EXPECT_TRUE(is_stored());
  ASSERT_TRUE(intake_.finish());
  EXPECT_EQ(files().front().second, 22 * kSegmentBytes);
}

TEST_F(IntakeTest, ADumpThatBeginsAnewLeavesNothingOfTheFirst) {
  for (const std::uint64_t free : {std::uint64_t{0}, std::uint64_t{1} << 40}) {
    free_ = free;
    ASSERT_TRUE(intake_.begin("first"));
    send(noise(3 * kSegmentBytes + 7 * kPageBytes));
    intake_.restart();
    ASSERT_TRUE(intake_.begin("second"));
    send(noise(kPageBytes, 2));
    ASSERT_TRUE(intake_.finish());
    EXPECT_EQ(files(),
              (std::vector<std::pair<std::string, std::uint64_t>>{{"second", kPageBytes}}));
    intake_.restart();
  }
}

}  // namespace
}  // namespace reprise::store
