// SPDX-License-Identifier: Apache-2.0
#include "image/criu_message.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "image/criu_tasks.h"

namespace reprise::image {
namespace {

using base::ErrorCode;
using enum CriuFieldKind;

constexpr std::array<CriuField, 6> kFields = {
    {{1, kNumber}, {2, kText}, {3, kNumbers}, {4, kMany}, {5, kSigned}, {6, kLong}}};

base::Result<CriuMessage> parse(std::string_view bytes) {
  return CriuMessage::parse(bytes, kFields, "a test");
}

void expect_error(std::string_view bytes, ErrorCode code) {
  const auto parsed = parse(bytes);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code(), code);
}

TEST(CriuMessageTest, WhatIsWrittenIsRead) {
  CriuMessageWriter writer;
  writer.add(1, std::uint64_t{300}).add(2, "text").add(3, std::uint64_t{7}).add(4, "a").add(4, "b");
  const auto parsed = parse(writer.bytes());
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->number(1), 300U);
  EXPECT_EQ(parsed->text(2), "text");
  EXPECT_EQ(parsed->numbers(3), std::vector<std::uint64_t>{7});
  EXPECT_EQ(parsed->many(4).size(), 2U);
  EXPECT_FALSE(parsed->has(5));
}

TEST(CriuMessageTest, RepeatedNumbersMayBePacked) {
  const auto parsed = parse(std::string_view("\x1a\x02\x05\x06\x18\x07", 6));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->numbers(3), (std::vector<std::uint64_t>{5, 6, 7}));
}

// Two readers may take such a message for two different things.
TEST(CriuMessageTest, WhatCouldBeReadInTwoWaysIsRefused) {
  expect_error("\x08\x01\x08\x02", ErrorCode::kCorrupt);                  // a field twice
  expect_error("\x78\x01", ErrorCode::kUnsupported);                      // one that is unknown
  expect_error("\x0a\x01x", ErrorCode::kCorrupt);                         // a number as text
  expect_error(std::string_view("\x12\x02x\0", 4), ErrorCode::kCorrupt);  // NUL in a text
  expect_error("\x08\x80\x80\x80\x80\x10", ErrorCode::kCorrupt);          // 1 << 32 in 32 bits
  EXPECT_TRUE(parse("\x30\x80\x80\x80\x80\x10"));
  expect_error("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", ErrorCode::kCorrupt);
  EXPECT_TRUE(parse("\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));  // -1
  expect_error("\x0b", ErrorCode::kCorrupt);                           // a group
}

TEST(CriuMessageTest, EveryTruncationIsCorrupt) {
  CriuMessageWriter writer;
  writer.add(2, "some text");
  for (std::size_t size = 1; size < writer.bytes().size(); ++size)
    expect_error(writer.bytes().substr(0, size), ErrorCode::kCorrupt);
  const std::string image = encode_seccomp({{.program = "12345678", .older = 0, .flags = 2}});
  for (std::size_t size = 0; size < image.size(); ++size)
    EXPECT_EQ(decode_seccomp(image.substr(0, size)).has_value(), size == 8) << size;
  EXPECT_FALSE(decode_seccomp(image + image.substr(8)));  // CRIU would read the first alone
  const auto filters = decode_seccomp(image);
  ASSERT_TRUE(filters) << filters.error().message();
  EXPECT_EQ(filters->at(0).flags, 2U);
}

}  // namespace
}  // namespace reprise::image
