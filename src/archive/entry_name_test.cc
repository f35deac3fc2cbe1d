// SPDX-License-Identifier: Apache-2.0
#include "archive/entry_name.h"

#include "archive/internal/test_archive.h"

namespace reprise::archive {
namespace {

TEST(EntryNameTest, UsualNamesPass) {
  for (const auto& [raw, name] : std::vector<std::pair<std::string, std::string>>{
           {"a", "a"},
           {"./a/b/", "a/b"},
           {".", "."},
           {"./", "."},
           {"..a/b..", "..a/b.."},
           {"with blank", "with blank"},
           {"n\xc3\xa4me\xff", "n\xc3\xa4me\xff"},
           {std::string(255, 'x'), std::string(255, 'x')}}) {
    const auto safe = safe_name(raw);
    ASSERT_TRUE(safe) << raw;
    EXPECT_EQ(*safe, name);
  }
}

TEST(EntryNameTest, OthersAreRefusedByName) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "d/";
  for (const auto& [raw, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "is empty"},
           {"/etc/passwd", "'/etc/passwd': the name is absolute"},
           {"//x", "is absolute"},
           {"..", "has a part '..'"},
           {"a/../../b", "'a/../../b': the name has a part '..'"},
           {"./../x", "has a part '..'"},
           {"a//b", "has an empty part"},
           {"a/./b", "has an empty part"},
           {"././a", "has an empty part"},
           {"a\nb", "'a\\x0ab': the name has control characters"},
           {"\x1b[2J", "'\\x1b[2J'"},
           {"a\x7f", "has control characters"},
           {std::string("a\0b", 3), "has control characters"},
           {std::string(256, 'x'), "too long"},
           {std::string(5000, 'x'), "too long"},
           {deep, "too deep"}})
    expect_refused(safe_name(raw), why);
}

// They were exported, and refused where they came back.
TEST(EntryNameTest, FilesOfContainersHaveAnyCharacters) {
  for (const std::string name : {"a\nb", "\x1b[2J", "\x7f", "\x01/\xff"}) {
    const auto safe = safe_file_name("./" + name);
    ASSERT_TRUE(safe) << safe.error().message();
    EXPECT_EQ(*safe, name);
  }
  expect_refused(safe_file_name(std::string("a\0b", 3)), "'a\\x00b': the name has a NUL");
  expect_refused(safe_file_name("a\n/../b"), "has a part '..'");
}

TEST(EntryNameTest, LongNamesAreShownCut) {
  EXPECT_LT(in_ticks(std::string(4000, 'x')).size(), 200U);
}

TEST(EntryNameTest, PartsOfANameAreFound) {
  EXPECT_EQ(parent_of("a/b/c"), "a/b");
  EXPECT_EQ(parent_of("a"), ".");
  EXPECT_EQ(last_part_of("a/b/c"), "c");
  EXPECT_EQ(last_part_of("a"), "a");
}

}  // namespace
}  // namespace reprise::archive
