// SPDX-License-Identifier: Apache-2.0
#include "pages/contents.h"

#include <gtest/gtest.h>

#include "crypto/test_keys.h"
#include "image/digest.h"
#include "pages/test_contents.h"
#include "sys/test_directory.h"
#include "sys/test_support.h"

namespace reprise::pages {
namespace {

using base::CheckpointId;
using base::ErrorCode;
using crypto::test_keys;
using sys::value_of;

class ContentsTest : public testing::Test {
 protected:
  static Contents some() {
    Contents contents{.manifest = facts(), .blocks = {}, .files = {}};
    contents.manifest.id = CheckpointId("c1");
    contents.manifest.files = {{.name = "criu/a", .bytes = 3 * kPageBytes - 5},
                               {.name = "parts/b", .bytes = 0}};
    contents.blocks = {{.pack = "p1", .id = random_block_id(), .offset = 96, .bytes = 5000},
                       {.pack = "p2", .id = random_block_id(), .offset = 1U << 30, .bytes = 77}};
    contents.files = {{.name = "criu/a",
                       .runs = {{.block = PageRun::kZeros, .first = 0, .pages = 1},
                                {.block = 1, .first = 255, .pages = 1},
                                {.block = 0, .first = 0, .pages = 1}}},
                      {.name = "parts/b", .runs = {}}};
    return contents;
  }
  ErrorCode refused(const std::string& file) {
    const auto contents = open_contents(keys_, CheckpointId("c1"), file);
    EXPECT_FALSE(contents);
    const auto visited = visit_blocks(keys_, CheckpointId("c1"), file, [](const BlockPlace&) {});
    EXPECT_FALSE(visited);
    if (!contents && !visited) {
      EXPECT_EQ(contents.error().code(), visited.error().code());
    }
    return contents ? ErrorCode::kInternal : contents.error().code();
  }

  crypto::TenantKeys keys_ = test_keys();
};

TEST_F(ContentsTest, AreReadBack) {
  const Contents contents = some();
  const std::string file = value_of(seal_contents(keys_, contents));
  const Contents back = value_of(open_contents(keys_, CheckpointId("c1"), file));
  EXPECT_EQ(back.manifest, contents.manifest);
  EXPECT_EQ(back.blocks, contents.blocks);
  EXPECT_EQ(back.files, contents.files);
  std::vector<BlockPlace> visited;
  EXPECT_TRUE(visit_blocks(keys_, CheckpointId("c1"), file,
                           [&](const BlockPlace& place) { visited.push_back(place); }));
  EXPECT_EQ(visited, contents.blocks);
  EXPECT_FALSE(file.contains("criu/a")) << "what it says can be read without a key";
}

TEST_F(ContentsTest, EveryFlippedBitIsFound) {
  const std::string good = value_of(seal_contents(keys_, some()));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(refused(bad), ErrorCode::kCorrupt) << "bit " << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(refused(good.substr(0, size)), ErrorCode::kCorrupt) << size << " bytes";
}

TEST_F(ContentsTest, AFirstLineThatIsNestedDeepIsDamaged) {
  const std::string nested = std::string(3'000'000, '[') + std::string(3'000'000, ']');
  EXPECT_EQ(refused(R"({"format":"reprise-checkpoint","x":)" + nested + "}\n"),
            ErrorCode::kCorrupt);
}

TEST_F(ContentsTest, AFirstLineOfOtherTypesIsDamaged) {
  for (const std::string_view fields :
       {R"("format":5,"version":3,"id":"c1","key":"k")",
        R"("format":"reprise-checkpoint","version":3,"id":7,"key":[])",
        R"("format":"reprise-checkpoint","version":"3","id":"c1","key":"k")"}) {
    const std::string line = '{' + std::string(fields);
    const std::string sum = image::digest_of(line + '}');
    EXPECT_EQ(refused(line + ",\"checksum\":\"" + sum + "\"}\n"), ErrorCode::kCorrupt) << fields;
  }
}

TEST_F(ContentsTest, OtherKeysAndOtherCheckpointsAreRefused) {
  const std::string file = value_of(seal_contents(keys_, some()));
  EXPECT_EQ(open_contents(keys_, CheckpointId("c2"), file).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(open_contents(test_keys(), CheckpointId("c1"), file).error().code(),
            ErrorCode::kCorrupt);
  crypto::TenantKeys other = test_keys();
  other.id = "fedcba9876543210";
  const auto denied = open_contents(other, CheckpointId("c1"), file);
  EXPECT_EQ(denied.error().code(), ErrorCode::kDenied);
  EXPECT_TRUE(denied.error().message().contains(keys_.id)) << denied.error().message();
}

TEST_F(ContentsTest, WhatDoesNotFitTogetherIsNotSealed) {
  const auto refuse = [&](const char* what, auto change) {
    Contents contents = some();
    change(contents);
    const auto sealed = seal_contents(keys_, contents);
    ASSERT_FALSE(sealed) << what;
    EXPECT_EQ(sealed.error().code(), ErrorCode::kCorrupt) << what;
  };
  refuse("too few pages", [](Contents& c) { c.files[0].runs.pop_back(); });
  refuse("no such block", [](Contents& c) { c.files[0].runs[1].block = 2; });
  refuse("beyond a block", [](Contents& c) { c.files[0].runs[1].first = kBlockPages; });
  refuse("an empty run", [](Contents& c) { c.files[0].runs[1].pages = 0; });
  refuse("a pack outside", [](Contents& c) { c.blocks[0].pack = "../p"; });
  refuse("another file", [](Contents& c) { c.files[1].name = "parts/c"; });
  refuse("a file too few", [](Contents& c) { c.files.pop_back(); });
}

TEST_F(ContentsTest, OneFromTheFutureIsRefusedPolitely) {
  std::string header = R"({"format":"reprise-checkpoint","version":4,"id":"c1","key":"k","new":7})";
  header.insert(header.size() - 1, R"(,"checksum":")" + image::digest_of(header) + '"');
  const auto contents = open_contents(keys_, CheckpointId("c1"), header + "\nwhatever it is");
  ASSERT_FALSE(contents);
  EXPECT_EQ(contents.error().code(), ErrorCode::kUnsupported);
  EXPECT_FALSE(contents.error().hint().empty());
}

}  // namespace
}  // namespace reprise::pages
