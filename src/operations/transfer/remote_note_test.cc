// SPDX-License-Identifier: Apache-2.0
//
// Notes lie at remotes for years, and are read by whatever version pulls them.
#include "operations/transfer/remote_note.h"

#include <gtest/gtest.h>

#include "json/test_golden.h"

namespace reprise::operations {
namespace {

using base::ErrorCode;

RemoteNote full() {
  return {.tag = "before-upgrade",
          .container = catalog::ContainerRow{
              .key = base::ContainerKey("@web"),
              .name = "web",
              .image = "docker.io/library/nginx:1",
              .create_command = R"(["podman","run","-d","--name","web","nginx:1"])",
              .command_image_index = 5}};
}

void expect_read(const std::string& file, const RemoteNote& expected) {
  const auto note = decode_remote_note(golden::read("note/" + file));
  ASSERT_TRUE(note) << file << ": " << note.error().details();
  EXPECT_EQ(encode(*note), encode(expected)) << file;
}

TEST(RemoteNote, OfThisVersion) {
  golden::expect_current("note/v1.json", encode(full()));
  expect_read("v1.json", full());
  golden::expect_current("note/v1-tag.json", encode({.tag = "safe", .container = std::nullopt}));
  expect_read("v1-tag.json", {.tag = "safe", .container = std::nullopt});
}

TEST(RemoteNote, TheVersionBeforeIsReadAndFindsWhatItNeeds) {
  expect_read("before.json", full());
  golden::expect_kept("note/before.json", encode(full()));
}

TEST(RemoteNote, WhatALaterVersionAddsDoesNotMatter) { expect_read("future.json", full()); }

TEST(RemoteNote, NoneSaysNothing) {
  const RemoteNote note = decode_remote_note("").value();
  EXPECT_EQ(note.tag, "");
  EXPECT_FALSE(note.container);
}

TEST(RemoteNote, WhatIsNoNoteIsNotTakenForAnEmptyOne) {
  for (const char* text :
       {"x", "[]", "3", R"({"tag":"t","key":"@web"})", R"({"key":"","command_image_index":1})",
        R"({"key":7,"command_image_index":1})", R"({"key":"@web","command_image_index":"1"})"}) {
    const auto note = decode_remote_note(text);
    ASSERT_FALSE(note) << text;
    EXPECT_EQ(note.error().code(), ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace reprise::operations
