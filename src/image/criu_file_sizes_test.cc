// SPDX-License-Identifier: Apache-2.0
#include "image/criu_file_sizes.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "image/criu_message.h"
#include "image/internal/criu_file.h"

namespace reprise::image {
namespace {

std::string magics() {
  std::string head;
  for (const std::uint32_t magic : {kCriuImageMagic, kFilesMagic})
    for (unsigned i = 0; i < 4; ++i) head += static_cast<char>((magic >> (8 * i)) & 0xffU);
  return head;
}

std::string with_file(std::string list, std::string_view name, std::optional<std::uint64_t> size) {
  CriuMessageWriter file;
  file.add(6, name);
  if (size) file.add(8, *size);
  CriuMessageWriter open;
  open.add(3, file.bytes());
  append_message(list, open.bytes());
  return list;
}

TEST(CriuFileSizes, OnlyThoseThatAreNamedAreForgotten) {
  const std::string list = with_file(with_file(magics(), "/etc/hosts", 7), "/etc/passwd", 8);
  const auto edited = forget_sizes(list, {"/etc/hosts"});
  ASSERT_TRUE(edited && *edited);
  EXPECT_EQ(**edited, with_file(with_file(magics(), "/etc/hosts", {}), "/etc/passwd", 8));
  EXPECT_EQ(forget_sizes(list, {"/etc/group"}).value(), std::nullopt);
}

TEST(CriuFileSizes, WhatIsNoListIsRefused) {
  for (const std::string& bytes : {std::string(), std::string("x"), magics() + "\x09"}) {
    const auto edited = forget_sizes(bytes, {"/etc/hosts"});
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error().code(), base::ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace reprise::image
