// SPDX-License-Identifier: Apache-2.0
#include "pager/missing_pages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>

namespace reprise::pager {
namespace {

constexpr std::uint64_t kPage = kPageBytes;

TEST(MissingPagesTest, ARemovedMiddleLeavesBothEndsWithTheirPlaces) {
  MissingPages missing;
  missing.add({.address = 10 * kPage, .bytes = 10 * kPage, .offset = 100 * kPage});
  missing.remove(13 * kPage, 2 * kPage);
  EXPECT_EQ(missing.bytes(), 8 * kPage);
  EXPECT_EQ(missing.at(12 * kPage, kPage),
            (PageRange{.address = 12 * kPage, .bytes = kPage, .offset = 102 * kPage}));
  EXPECT_FALSE(missing.at(13 * kPage, kPage));
  EXPECT_EQ(missing.at(15 * kPage, 100 * kPage),
            (PageRange{.address = 15 * kPage, .bytes = 5 * kPage, .offset = 105 * kPage}));
}

TEST(MissingPagesTest, TheNextOneIsLookedForFromTheBeginningAgain) {
  MissingPages missing;
  EXPECT_FALSE(missing.next(0, kPage));
  missing.add({.address = 10 * kPage, .bytes = 2 * kPage, .offset = 0});
  EXPECT_EQ(missing.next(11 * kPage, kPage)->address, 11 * kPage);
  EXPECT_EQ(missing.next(12 * kPage, kPage)->address, 10 * kPage);
}

// Against a map of single pages, in which nothing can be cut wrongly.
TEST(MissingPagesTest, AgreesWithSinglePages) {
  constexpr std::uint64_t kSpace = 64;
  std::mt19937_64 random(7);  // NOLINT: the same in each run
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  MissingPages missing;
  std::map<std::uint64_t, std::uint64_t> pages;
  for (std::uint64_t step = 0; step < 20000; ++step) {
    const std::uint64_t count = 1 + below(12);
    const std::uint64_t first = below(kSpace - count);
    const std::uint64_t other = below(kSpace - count);
    switch (below(3)) {
      case 0:
        missing.add({.address = first * kPage, .bytes = count * kPage, .offset = step * kPage});
        for (std::uint64_t i = 0; i < count; ++i) pages[first + i] = step + i;
        break;
      case 1:
        missing.remove(first * kPage, count * kPage);
        for (std::uint64_t i = 0; i < count; ++i) pages.erase(first + i);
        break;
      default: {  // mremap(2) refuses places that overlap
        if (first < other + count && other < first + count) break;
        missing.move(first * kPage, other * kPage, count * kPage);
        for (std::uint64_t i = 0; i < count; ++i) {
          pages.erase(other + i);
          if (const auto page = pages.extract(first + i)) pages[other + i] = page.mapped();
        }
      }
    }
    ASSERT_EQ(missing.bytes(), pages.size() * kPage);
    for (std::uint64_t page = 0; page < kSpace; ++page) {
      const auto found = missing.at(page * kPage, kPage);
      ASSERT_EQ(found.has_value(), pages.contains(page));
      if (found) {
        ASSERT_EQ(found->offset, pages[page] * kPage);
      }
    }
  }
}

}  // namespace
}  // namespace reprise::pager
