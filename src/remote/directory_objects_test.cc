// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "remote/internal/test_place.h"
#include "remote/object_store.h"
#include "remote/open.h"
#include "sys/test_directory.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;

TestPlace make_directory() {
  auto scratch = std::make_shared<sys::TestDirectory>();
  auto opened = open_remote({.url = "file://" + (*scratch / "objects").string()});
  EXPECT_TRUE(opened) << opened.error().message();
  return {.behind = scratch, .objects = std::move(*opened)};
}

INSTANTIATE_TEST_SUITE_P(Directory, ObjectStoreTest,
                         testing::Values(PlaceKind{"Directory", &make_directory}), place_name);

TEST(DirectoryObjects, WhatIsNotWholeYetIsNoObject) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch / "objects");
  ASSERT_TRUE(objects->put("keys/a", "1"));
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(objects->put("keys/a", std::string(100'000, 'x')));
    done = true;
  });
  while (!done) {
    const auto listed = objects->list("");
    ASSERT_TRUE(listed);
    for (const ObjectInfo& object : *listed) EXPECT_EQ(object.name, "keys/a");
  }
}

TEST(DirectoryObjects, AFileThatIsGivenUpLeavesNothing) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch / "objects");
  const auto file = scratch.file("file", "contents");
  const auto stopped = objects->put_file("packs/p.pack", file, [](std::uint64_t) -> Result<void> {
    return base::fail(ErrorCode::kGone, "given up");
  });
  EXPECT_EQ(stopped.error().code(), ErrorCode::kGone);
  EXPECT_TRUE(std::filesystem::is_empty(scratch / "objects/packs"));
}

TEST(DirectoryObjects, LookingMakesNothing) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch / "typo");
  EXPECT_EQ(objects->list("packs/").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(objects->get("keys/a", 100).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(objects->size("keys/a").value(), std::nullopt);
  EXPECT_EQ(objects->drop_unfinished("packs/", 0).value(), 0U);
  EXPECT_TRUE(objects->remove("keys/a"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "typo"));
  EXPECT_TRUE(objects->put("keys/a", "1"));
  EXPECT_EQ(objects->list("keys/")->size(), 1U);
  EXPECT_TRUE(objects->list("packs/")->empty());
}

TEST(DirectoryObjects, IsNotMadeWhereNothingIsMounted) {
  const sys::TestDirectory scratch;
  for (const char* name : {"missing/objects", "missing/objects/"}) {
    const auto objects = open_directory(scratch / name);
    const auto put = objects->put("keys/a", "1");
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code(), ErrorCode::kNotFound);
    EXPECT_TRUE(put.error().hint().contains("mounted"));
    EXPECT_FALSE(std::filesystem::exists(scratch / "missing"));
  }
  EXPECT_TRUE(open_directory(scratch / "objects/")->put("keys/a", "1"));
}

TEST(DirectoryObjects, APlaceThatCannotBeReadIsAnError) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch.file("file", "x"));
  EXPECT_FALSE(objects->list("packs/"));
}

// As a killed put_file() leaves it.
TEST(DirectoryObjects, OldLeftoversAreDropped) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch / "objects");
  ASSERT_TRUE(objects->put("packs/p.pack", "1"));
  const auto leave = [&](const char* name) {
    std::ofstream(scratch / "objects/packs" / name) << "half";
  };
  leave(".abcdefghij01");
  leave(".keep");
  leave(".abcdefghij0A");
  const base::UnixMillis now = base::now_unix_millis();
  constexpr base::UnixMillis kHour = 3'600'000;
  EXPECT_EQ(*objects->drop_unfinished("packs/", now - kHour), 0U);
  EXPECT_EQ(*objects->drop_unfinished("keys/", now + kHour), 0U);
  EXPECT_EQ(*objects->drop_unfinished("packs/", now + kHour), 1U);
  EXPECT_FALSE(std::filesystem::exists(scratch / "objects/packs/.abcdefghij01"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "objects/packs/.keep"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "objects/packs/.abcdefghij0A"));
  EXPECT_EQ(objects->list("")->size(), 1U);
}

}  // namespace
}  // namespace reprise::remote
