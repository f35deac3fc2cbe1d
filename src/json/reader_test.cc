// SPDX-License-Identifier: Apache-2.0
#include "json/reader.h"

#include <gtest/gtest.h>

#include <string>

namespace reprise::json_reader {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonReaderTest, WhatIsNestedTooDeepIsNotRead) {
  EXPECT_TRUE(parse(nested(kMaxDepth)).is_array());
  EXPECT_THROW((void)parse(nested(kMaxDepth + 1)), nlohmann::json::parse_error);
  EXPECT_TRUE(parse_or_discarded(nested(kMaxDepth)).is_array());
  EXPECT_TRUE(parse_or_discarded(nested(kMaxDepth + 1)).is_discarded());
  // It ended the process when the value was copied (3,000,000 lists in an archive's spec.dump).
  const std::string archive = R"({"process":)" + nested(3'000'000) + "}";
  EXPECT_TRUE(parse_or_discarded(archive).is_discarded());
  EXPECT_TRUE(is_too_deep(std::string(7'000'000, '[')));
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += R"({"a":)";
  EXPECT_TRUE(is_too_deep(objects));
}

TEST(JsonReaderTest, BracketsInTextsAndBesideEachOtherAreNotDepth) {
  EXPECT_FALSE(is_too_deep('"' + std::string(1000, '[') + '"'));
  EXPECT_FALSE(is_too_deep(R"("\"[)" + std::string(1000, '{') + '"'));
  EXPECT_FALSE(is_too_deep(R"("\\")" + nested(100)));
  EXPECT_TRUE(is_too_deep(R"("\\")" + nested(200)));
  std::string list = "[";
  for (int i = 0; i < 1000; ++i) list += "[],{},";
  EXPECT_FALSE(is_too_deep(list + "0]"));
}

TEST(JsonReaderTest, TheTopIsReadHoweverDeepTheRest) {
  for (const std::size_t depth : {1U, 1'000'000U}) {
    const auto top = parse_top(
        R"({"a":{"b":"c"},"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}", 2);
    EXPECT_EQ(text_in(top["a"], "b"), "c") << depth;
  }
  EXPECT_TRUE(parse_top("[", 2).is_discarded());
}

TEST(JsonReaderTest, WhatIsNoJsonIsToldAsEver) {
  EXPECT_THROW((void)parse("{"), nlohmann::json::parse_error);
  EXPECT_TRUE(parse_or_discarded("{").is_discarded());
  EXPECT_EQ(parse<nlohmann::ordered_json>(R"({"b":1,"a":2})").dump(), R"({"b":1,"a":2})");
}

// Asked for a whole number, nlohmann casts them, which is undefined beyond its range.
TEST(JsonReaderTest, FractionsAreNullUnlessTheyAreWrittenAgain) {
  for (const std::string number :
       {"1.5", "1e300", "-1E+9", "0.0", "1e-400", "18446744073709551616"}) {
    const auto read = parse(R"({"n":)" + number + R"(,"list":[)" + number + "]}");
    EXPECT_TRUE(read["n"].is_null()) << number;
    EXPECT_THROW((void)read["list"][0].get<int>(), nlohmann::json::type_error) << number;
    EXPECT_TRUE(parse<nlohmann::ordered_json>("[" + number + "]")[0].is_number()) << number;
    EXPECT_TRUE(parse_top(R"({"n":)" + number + R"(,"x":[{"y":[1]}]})", 2)["n"].is_null());
  }
  for (const std::string number : {"0", "-7", "18446744073709551615", "-9223372036854775808"})
    EXPECT_EQ(parse("[" + number + R"(,"1.5"])").dump(), "[" + number + R"(,"1.5"])");
  EXPECT_TRUE(may_have_fractions("[1.0]"));
  EXPECT_FALSE(may_have_fractions(R"({"true":false,"e":[12,"a.b"]})"));
}

}  // namespace
}  // namespace reprise::json_reader
