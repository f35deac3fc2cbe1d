// SPDX-License-Identifier: Apache-2.0
//
// Of the images of a real process (src/image/criu_pagemap_test.cc).
#include "pager/images.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace reprise::pager {
namespace {

base::Result<std::string> read_testdata(const std::string& name) {
  std::ifstream in(
      std::string(REPRISE_IMAGE_TESTDATA) + "/" + name.substr(0, name.find('-')) + ".img",
      std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(ImagesTest, EachPageIsEitherEagerOrLazy) {
  const auto pagemap = load_pagemap(read_testdata, 7);
  ASSERT_TRUE(pagemap) << pagemap.error().message();
  EXPECT_EQ(pages_file(*pagemap), "pages-1.img");
  std::set<std::uint64_t> offsets;
  for (const auto& ranges : {lazy_ranges(*pagemap), eager_ranges(*pagemap)})
    for (const PageRange& range : ranges)
      for (std::uint64_t at = 0; at < range.bytes; at += kPageBytes)
        EXPECT_TRUE(offsets.insert(range.offset + at).second);
  EXPECT_EQ(offsets.size(), 8564736U / kPageBytes);
  EXPECT_EQ(*offsets.rbegin(), 8564736U - kPageBytes);
}

// Such as the random numbers of the C library: a child must not go on with its parent's.
TEST(ImagesTest, WhatCannotBeFilledLaterIsNeverLazy) {
  const auto pagemap = load_pagemap(read_testdata, 7);
  ASSERT_TRUE(pagemap);
  const auto mappings = image::decode_eager_mappings(read_testdata("mm-7.img").value());
  ASSERT_TRUE(mappings);
  ASSERT_FALSE(mappings->empty());
  std::uint64_t eager = 0;
  for (const image::CriuMapping& mapping : *mappings) {
    for (const PageRange& range : lazy_ranges(*pagemap))
      EXPECT_TRUE(range.address >= mapping.end || range.address + range.bytes <= mapping.begin);
    for (const PageRange& range : eager_ranges(*pagemap))
      if (range.address >= mapping.begin && range.address < mapping.end) eager += range.bytes;
  }
  EXPECT_GE(eager, 64 * kPageBytes);
}

// A CRIU that calls everything lazy, as older ones do with huge pages: what this one does not
// register would be zeros.
TEST(ImagesTest, APageMapThatCallsEverythingLazyIsNotBelieved) {
  const auto honest = load_pagemap(read_testdata, 7);
  ASSERT_TRUE(honest);
  const auto credulous = load_pagemap(
      [](const std::string& name) -> base::Result<std::string> {
        if (!name.starts_with("pagemap-")) return read_testdata(name);
        auto pagemap = image::decode_pagemap(read_testdata(name).value()).value();
        for (image::CriuPageRun& run : pagemap.runs) run.lazy = true;
        return image::encode_pagemap(pagemap);
      },
      7);
  ASSERT_TRUE(credulous);
  EXPECT_EQ(lazy_ranges(*credulous), lazy_ranges(*honest));
}

TEST(ImagesTest, ASpaceMissesWhatIsLazy) {
  const auto pagemap = load_pagemap(read_testdata, 7);
  ASSERT_TRUE(pagemap);
  const auto space = space_loader(read_testdata)(7);
  ASSERT_TRUE(space) << space.error().message();
  std::uint64_t lazy = 0;
  for (const PageRange& range : lazy_ranges(*pagemap)) lazy += range.bytes;
  EXPECT_EQ(space->missing.bytes(), lazy);
}

}  // namespace
}  // namespace reprise::pager
