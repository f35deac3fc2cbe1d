// SPDX-License-Identifier: Apache-2.0
#include "json/lenient.h"

#include <gtest/gtest.h>

#include "json/reader.h"

namespace reprise::json_reader {
namespace {

TEST(JsonLenientTest, WhatIsOfAnotherTypeIsEmpty) {
  const auto object = parse(R"({"text":"a","number":7,"flag":true,"list":["x",1,"y"],"null":null,
                                "object":{"a":"b","c":1},"fraction":1.5})");
  EXPECT_EQ(text_in(object, "text"), "a");
  EXPECT_EQ(text_in(object, "number"), "");
  EXPECT_EQ(number_in(object, "number"), 7);
  EXPECT_EQ(number_in(object, "text", 3), 3);
  EXPECT_EQ(number_in(object, "fraction"), 0);
  EXPECT_TRUE(flag_in(object, "flag"));
  EXPECT_FALSE(flag_in(object, "number"));
  EXPECT_EQ(texts_of(child_of(object, "list")), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(texts_of(child_of(object, "object")).empty());
  EXPECT_EQ(named_texts_of(child_of(object, "object")).size(), 1U);
  EXPECT_TRUE(named_texts_of(child_of(object, "list")).empty());
  EXPECT_EQ(object_in(object, "object").size(), 2U);
  EXPECT_EQ(list_in(object, "list").size(), 3U);
  for (const char* field : {"list", "text", "null", "none"})
    EXPECT_EQ(object_in(object, field), nlohmann::json::object()) << field;
  for (const char* field : {"object", "text", "null", "none"})
    EXPECT_EQ(list_in(object, field), nlohmann::json::array()) << field;
  EXPECT_EQ(list_in(object_in(object, "none"), "none"), nlohmann::json::array());
  for (const char* field : {"null", "none"}) {
    EXPECT_TRUE(child_of(object, field).is_null());
    EXPECT_TRUE(child_of(child_of(object, field), "x").is_null());
    EXPECT_EQ(text_in(object, field), "");
  }
}

}  // namespace
}  // namespace reprise::json_reader
