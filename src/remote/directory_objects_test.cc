// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "remote/object_store.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;

class DirectoryObjects : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_directory(scratch_ / "objects");
    ASSERT_TRUE(opened) << opened.error().message();
    objects_ = std::move(*opened);
  }
  sys::TestDirectory scratch_;
  std::unique_ptr<ObjectStore> objects_;
};

TEST_F(DirectoryObjects, WhatWasPutIsThere) {
  ASSERT_TRUE(objects_->put("checkpoints/a", "one"));
  ASSERT_TRUE(objects_->put("checkpoints/a", "two"));
  EXPECT_EQ(*objects_->get("checkpoints/a", 100), "two");
  EXPECT_EQ(**objects_->size("checkpoints/a"), 3U);
  EXPECT_EQ(*objects_->size("checkpoints/b"), std::nullopt);
  EXPECT_EQ(*objects_->size("checkpoints"), std::nullopt);
  EXPECT_EQ(*objects_->size("checkpoints/a/b"), std::nullopt);
  EXPECT_EQ(objects_->get("checkpoints/b", 100).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(objects_->get("checkpoints/a", 2).error().code(), ErrorCode::kInvalidInput);
}

TEST_F(DirectoryObjects, PartsOfAFileAreRead) {
  const std::string contents(3'000'000, 'x');
  const auto file = scratch_.file("file", "begin" + contents + "end");
  std::uint64_t told = 0;
  ASSERT_TRUE(objects_->put_file("packs/p.pack", file, [&](std::uint64_t done) -> Result<void> {
    told = done;
    return {};
  }));
  EXPECT_EQ(told, contents.size() + 8);
  std::string part(4, '\0');
  ASSERT_TRUE(objects_->read("packs/p.pack", 3'000'004, std::as_writable_bytes(std::span(part))));
  EXPECT_EQ(part, "xend");
  const auto beyond =
      objects_->read("packs/p.pack", 3'000'005, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(beyond.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(
      objects_->read("packs/q.pack", 0, std::as_writable_bytes(std::span(part))).error().code(),
      ErrorCode::kNotFound);
}

TEST_F(DirectoryObjects, AFileThatIsGivenUpLeavesNothing) {
  const auto file = scratch_.file("file", "contents");
  const auto stopped = objects_->put_file("packs/p.pack", file, [](std::uint64_t) -> Result<void> {
    return base::fail(ErrorCode::kGone, "given up");
  });
  EXPECT_EQ(stopped.error().code(), ErrorCode::kGone);
  EXPECT_TRUE(objects_->list("")->empty());
  EXPECT_TRUE(std::filesystem::is_empty(scratch_ / "objects/packs"));
}

TEST_F(DirectoryObjects, ListAndRemove) {
  ASSERT_TRUE(objects_->put("packs/b", "12"));
  ASSERT_TRUE(objects_->put("packs/a", "1"));
  ASSERT_TRUE(objects_->put("checkpoints/a", "123"));
  using Infos = std::vector<ObjectInfo>;
  EXPECT_EQ(*objects_->list("packs/"),
            (Infos{{.name = "packs/a", .bytes = 1}, {.name = "packs/b", .bytes = 2}}));
  ASSERT_TRUE(objects_->remove("packs/a"));
  ASSERT_TRUE(objects_->remove("packs/a"));
  EXPECT_EQ(objects_->list("")->size(), 2U);
}

TEST_F(DirectoryObjects, NamesThatLeadElsewhereAreRefused) {
  for (const char* name :
       {"", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".a", "a b", "a\nb"}) {
    EXPECT_EQ(objects_->put(name, "x").error().code(), ErrorCode::kInvalidInput) << name;
    EXPECT_EQ(objects_->get(name, 10).error().code(), ErrorCode::kInvalidInput) << name;
    EXPECT_EQ(objects_->remove(name).error().code(), ErrorCode::kInvalidInput) << name;
  }
}

}  // namespace
}  // namespace reprise::remote
