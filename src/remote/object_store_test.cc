// SPDX-License-Identifier: Apache-2.0
//
// The contract of ObjectStore, for every kind of place.
#include "remote/object_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "remote/internal/test_place.h"
#include "sys/test_directory.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;

// No stretch of it is like another.
std::string various(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

auto bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }

TEST_P(ObjectStoreTest, WhatWasPutIsThere) {
  ASSERT_TRUE(place_.to().put("checkpoints/a", "one"));
  const auto replaced = place_.to().put("checkpoints/a", "two");
  ASSERT_TRUE(replaced) << replaced.error().message();
  const auto got = objects().get("checkpoints/a", 100);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, "two");
  EXPECT_EQ(**objects().size("checkpoints/a"), 3U);
  EXPECT_EQ(*objects().get("checkpoints/a", 3), "two");
  EXPECT_EQ(objects().get("checkpoints/a", 2).error().code(), ErrorCode::kInvalidInput);
}

TEST_P(ObjectStoreTest, WhatIsNotThereIsNamedSo) {
  ASSERT_TRUE(place_.to().put("checkpoints/a", "one"));
  std::string part(4, '\0');
  for (const char* name : {"checkpoints/b", "checkpoints", "checkpoints/a/b"}) {
    EXPECT_EQ(*objects().size(name), std::nullopt) << name;
  }
  const auto missing = objects().get("checkpoints/b", 100);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message().find("'checkpoints/b'"), std::string::npos);
  EXPECT_EQ(objects().read("packs/q.pack", 0, bytes_of(part)).error().code(), ErrorCode::kNotFound);
}

TEST_P(ObjectStoreTest, PartsOfAFileAreRead) {
  const sys::TestDirectory scratch;
  const std::string contents = various(3'000'000);
  std::uint64_t told = 0;
  const auto put = place_.to().put_file("packs/p.pack", scratch.file("file", contents),
                                        [&](std::uint64_t done) -> Result<void> {
                                          told = done;
                                          return {};
                                        });
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(told, contents.size());
  std::string part(4, '\0');
  const auto read = objects().read("packs/p.pack", 2'999'996, bytes_of(part));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(part, contents.substr(2'999'996));
  for (const std::uint64_t beyond : {2'999'997U, 3'000'000U, 4'000'000U}) {
    const auto cut_off = objects().read("packs/p.pack", beyond, bytes_of(part));
    EXPECT_EQ(cut_off.error().code(), ErrorCode::kCorrupt) << beyond;
  }
  EXPECT_TRUE(objects().read("packs/p.pack", 7, {}));
}

TEST_P(ObjectStoreTest, LargeFilesComeWholeAndToSeveralAtOnce) {
  const sys::TestDirectory scratch;
  const std::string contents = various(19'000'001);
  const auto put = place_.to().put_file("packs/p.pack", scratch.file("file", contents), {});
  ASSERT_TRUE(put) << put.error().message();
  std::string whole(contents.size(), '\0');
  std::string end(9'000'000, '\0');
  {
    const std::jthread other(
        [&] { EXPECT_TRUE(objects().read("packs/p.pack", 10'000'001, bytes_of(end))); });
    EXPECT_TRUE(objects().read("packs/p.pack", 0, bytes_of(whole)));
  }
  EXPECT_TRUE(whole == contents);
  EXPECT_TRUE(end == contents.substr(10'000'001));
}

TEST_P(ObjectStoreTest, AnEmptyFileIsAnObject) {
  const sys::TestDirectory scratch;
  const auto put = place_.to().put_file("packs/p.pack", scratch.file("file", ""), {});
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(**objects().size("packs/p.pack"), 0U);
  EXPECT_EQ(*objects().get("packs/p.pack", 10), "");
}

TEST_P(ObjectStoreTest, AFileThatIsGivenUpLeavesNoObject) {
  const sys::TestDirectory scratch;
  const auto file = scratch.file("file", various(8'000'000));
  const auto stopped = place_.to().put_file(
      "packs/p.pack", file,
      [](std::uint64_t) -> Result<void> { return base::fail(ErrorCode::kNotFound, "given up"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(stopped.error().message().find("given up"), std::string::npos);
  EXPECT_TRUE(objects().list("")->empty());
}

TEST_P(ObjectStoreTest, ListIsSortedAndOfThePrefix) {
  for (const char* name : {"packs/b", "packs/a-b", "packs/a", "checkpoints/a", "keys/packs"})
    ASSERT_TRUE(place_.to().put(name, name));
  using Infos = std::vector<ObjectInfo>;
  Infos listed = *objects().list("packs/");
  for (ObjectInfo& info : listed) info.modified.reset();
  EXPECT_EQ(listed, (Infos{{.name = "packs/a", .bytes = 7},
                           {.name = "packs/a-b", .bytes = 9},
                           {.name = "packs/b", .bytes = 7}}));
  EXPECT_EQ(objects().list("packs/a")->size(), 2U);
  EXPECT_EQ(objects().list("")->size(), 5U);
  EXPECT_EQ(objects().list("packs/c")->size(), 0U);
}

TEST_P(ObjectStoreTest, ListSaysWhenAnObjectWasPut) {
  constexpr base::UnixMillis kSecond = 1000;  // S3 tells no fractions
  const base::UnixMillis before = base::now_unix_millis();
  ASSERT_TRUE(place_.to().put("packs/a", "1"));
  const base::UnixMillis after = base::now_unix_millis();
  const auto modified = objects().list("packs/a")->front().modified;
  if (place_.writer != nullptr) {
    EXPECT_EQ(modified, std::nullopt);  // a peer
    return;
  }
  ASSERT_TRUE(modified);
  EXPECT_GE(*modified, before - kSecond);
  EXPECT_LE(*modified, after + kSecond);
}

TEST_P(ObjectStoreTest, RemovedOrNotWritable) {
  ASSERT_TRUE(place_.to().put("packs/a", "1"));
  ASSERT_TRUE(place_.to().put("packs/b", "1"));
  if (place_.writer != nullptr) {
    const sys::TestDirectory scratch;
    EXPECT_EQ(objects().put("packs/a", "2").error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(objects().put_file("packs/a", scratch.file("file", "2"), {}).error().code(),
              ErrorCode::kUnsupported);
    EXPECT_EQ(objects().remove("packs/a").error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(objects().drop_unfinished("packs/", 0).error().code(), ErrorCode::kUnsupported);
    EXPECT_EQ(*objects().get("packs/a", 10), "1");
    return;
  }
  EXPECT_TRUE(objects().remove("packs/a"));
  EXPECT_TRUE(objects().remove("packs/a"));
  EXPECT_EQ(objects().list("")->size(), 1U);
}

TEST_P(ObjectStoreTest, NamesThatLeadElsewhereAreRefused) {
  std::string part(1, '\0');
  for (const char* name :
       {"", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".a", "a b", "a\nb"}) {
    EXPECT_EQ(place_.to().put(name, "x").error().code(), ErrorCode::kInvalidInput) << name;
    EXPECT_EQ(objects().get(name, 10).error().code(), ErrorCode::kInvalidInput) << name;
    EXPECT_EQ(objects().size(name).error().code(), ErrorCode::kInvalidInput) << name;
    EXPECT_EQ(objects().read(name, 0, bytes_of(part)).error().code(), ErrorCode::kInvalidInput)
        << name;
    EXPECT_EQ(place_.to().remove(name).error().code(), ErrorCode::kInvalidInput) << name;
  }
}

}  // namespace
}  // namespace reprise::remote
