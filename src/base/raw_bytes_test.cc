// SPDX-License-Identifier: Apache-2.0
#include "base/raw_bytes.h"

#include <gtest/gtest.h>

#include <span>

namespace reprise::base {
namespace {

TEST(RawBytesTest, AreAsManyAsAskedFor) {
  RawBytes bytes;
  EXPECT_EQ(std::span<const std::byte>(bytes).size(), 0U);
  bytes.resize(100);
  EXPECT_EQ(std::span<std::byte>(bytes).size(), 100U);
  const std::byte* const memory = bytes.data();
  bytes.resize(7);
  EXPECT_EQ(bytes.size(), 7U);
  bytes.resize(100);
  EXPECT_EQ(bytes.data(), memory) << "it keeps its memory";
}

TEST(RawBytesTest, AreEmptyWhenTheyAreMovedFrom) {
  RawBytes from(3);
  from.data()[2] = std::byte{9};
  const std::byte* const memory = from.data();
  RawBytes to(50);
  to = std::move(from);
  EXPECT_EQ(to.size(), 3U);
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to.data()[2], std::byte{9});
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): that is the question
  EXPECT_EQ(from.size(), 0U);
  from.resize(4);
  EXPECT_NE(from.data(), memory);
}

}  // namespace
}  // namespace reprise::base
