// SPDX-License-Identifier: Apache-2.0
#include "json/writer.h"

#include <gtest/gtest.h>

#include "json/reader.h"

namespace reprise::json_writer {
namespace {

TEST(JsonWriterTest, BytesThatAreNoTextDoNotThrow) {
  EXPECT_EQ(print(nlohmann::json{"caf\xe9"}), "[\"caf\xef\xbf\xbd\"]");
  EXPECT_EQ(print(nlohmann::ordered_json{{"b", 1}, {"a", 2}}, 1), "{\n \"b\": 1,\n \"a\": 2\n}");
}

TEST(JsonWriterTest, BytesComeBackAsTheyWere) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  for (const std::string& bytes : {std::string(), std::string("/tmp/\"café\""), every,
                                   std::string("\xef\xbf\xbd"), std::string("cut \xc3")}) {
    const std::string text = print(of_bytes(bytes));
    EXPECT_EQ(json_reader::bytes_in(json_reader::parse(text)), bytes);
  }
  EXPECT_EQ(of_bytes("/tmp/café"), "/tmp/café");
  EXPECT_EQ(of_bytes("\xe9"), (nlohmann::json{{"hex", "e9"}}));
}

TEST(JsonWriterTest, OtherThingsAreNoBytes) {
  for (const char* text : {"1", "[]", "{}", R"({"hex":1})", R"({"hex":"0"})", R"({"hex":"0G"})",
                           R"({"hex":"00","x":1})"})
    EXPECT_THROW((void)json_reader::bytes_in(json_reader::parse(text)), nlohmann::json::exception)
        << text;
}

}  // namespace
}  // namespace reprise::json_writer
