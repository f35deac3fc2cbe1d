// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

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

TEST(DirectoryObjects, AFileThatIsGivenUpLeavesNothing) {
  const sys::TestDirectory scratch;
  const auto objects = open_directory(scratch / "objects");
  const auto file = scratch.file("file", "contents");
  const auto stopped = (*objects)->put_file(
      "packs/p.pack", file,
      [](std::uint64_t) -> Result<void> { return base::fail(ErrorCode::kGone, "given up"); });
  EXPECT_EQ(stopped.error().code(), ErrorCode::kGone);
  EXPECT_TRUE(std::filesystem::is_empty(scratch / "objects/packs"));
}

}  // namespace
}  // namespace reprise::remote
