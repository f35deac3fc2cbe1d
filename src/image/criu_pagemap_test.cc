// SPDX-License-Identifier: Apache-2.0
//
// testdata/pagemap.img and mm.img: CRIU 4.2.1, of a Python program that has 64 pages which its
// children get empty, beside those of its C library's random numbers.
#include "image/criu_pagemap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace reprise::image {
namespace {

using base::ErrorCode;

std::string testdata(const std::string& name) {
  std::ifstream in(std::string(REPRISE_IMAGE_TESTDATA) + "/" + name, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(CriuPagemapTest, ReadsWhatCriuWrites) {
  const auto pagemap = decode_pagemap(testdata("pagemap.img"));
  ASSERT_TRUE(pagemap) << pagemap.error().message();
  EXPECT_EQ(pagemap->file, 1U);
  std::uint64_t pages = 0;
  std::uint64_t eager = 0;
  for (const CriuPageRun& run : pagemap->runs) {
    EXPECT_TRUE(run.present);
    pages += run.pages;
    if (!run.lazy) eager += run.pages;
  }
  EXPECT_EQ(pages, 8564736U / 4096) << "all of its pages-1.img";
  EXPECT_GT(eager, 0U) << "of files that it had mapped and written to";
  EXPECT_LT(eager, pages);
}

TEST(CriuPagemapTest, WritesAsCriuDoes) {
  const std::string file = testdata("pagemap.img");
  const auto pagemap = decode_pagemap(file);
  ASSERT_TRUE(pagemap);
  EXPECT_EQ(encode_pagemap(*pagemap), file);
}

TEST(CriuPagemapTest, WhatIsCutShortOrOverlapsIsDamaged) {
  std::string file = testdata("pagemap.img");
  file.pop_back();
  EXPECT_EQ(decode_pagemap(file).error().code(), ErrorCode::kCorrupt);
  CriuPagemap overlapping{
      .file = 1,
      .runs = {{.address = 0x10000, .pages = 2, .lazy = true, .present = true},
               {.address = 0x11000, .pages = 1, .lazy = true, .present = true}}};
  EXPECT_EQ(decode_pagemap(encode_pagemap(overlapping)).error().code(), ErrorCode::kCorrupt);
  overlapping.runs = {{.address = 0x10000, .pages = UINT64_MAX / 2}};
  EXPECT_EQ(decode_pagemap(encode_pagemap(overlapping)).error().code(), ErrorCode::kCorrupt);
}

TEST(CriuPagemapTest, FindsWhatCannotBeFilledLater) {
  const auto eager = decode_eager_mappings(testdata("mm.img"));
  ASSERT_TRUE(eager) << eager.error().message();
  const auto pagemap = decode_pagemap(testdata("pagemap.img"));
  ASSERT_TRUE(pagemap);
  std::uint64_t end = 0;
  for (const CriuMapping& one : *eager) {
    EXPECT_GT(one.begin, end);
    end = one.end;
  }
  const auto lies_in = [&](const CriuPageRun& run) {
    return std::ranges::any_of(*eager, [&](const CriuMapping& one) {
      return one.begin <= run.address && run.address < one.end;
    });
  };
  for (const CriuPageRun& run : pagemap->runs) EXPECT_TRUE(run.lazy || lies_in(run));
  EXPECT_TRUE(std::ranges::any_of(pagemap->runs, [&](const CriuPageRun& run) {
    return run.lazy && lies_in(run);
  })) << "what children get empty, which CRIU calls lazy";
}

}  // namespace
}  // namespace reprise::image
