// SPDX-License-Identifier: Apache-2.0
#include "sys/walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <vector>

#include "sys/beneath.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

using base::ErrorCode;
namespace fs = std::filesystem;

std::vector<std::string> paths_in(const path& top, const std::string& closed = "") {
  std::vector<std::string> paths;
  const auto walked = walk_tree(top, [&](const WalkEntry& entry) -> Result<Descend> {
    paths.push_back(entry.path);
    return entry.name == closed ? Descend::kNo : Descend::kYes;
  });
  EXPECT_TRUE(walked) << walked.error().message();
  return paths;
}

TEST(WalkTest, VisitsEverythingInOrderAndFollowsNoLinks) {
  const TestDirectory top;
  fs::create_directories(top / "a/b/c");
  fs::create_directories(top / "d");
  [[maybe_unused]] const auto file = top.file("a/file", "");
  fs::create_symlink("..", top / "a/b/up");
  EXPECT_EQ(paths_in(top.path()),
            (std::vector<std::string>{"a", "a/b", "a/b/c", "a/b/up", "a/file", "d"}));
  EXPECT_EQ(paths_in(top.path(), "b"), (std::vector<std::string>{"a", "a/b", "a/file", "d"}));
  EXPECT_TRUE(paths_in(top / "d").empty());
}

// From a field: a tree of directories in a container whose path was longer than PATH_MAX ended each
// stop without a checkpoint.
TEST(WalkTest, NoPathIsTooLong) {
  const TestDirectory top;
  const std::string name(200, 'd');
  constexpr int kDepth = 3 * PATH_MAX / 200;
  UniqueFd current = open_file(top.path(), O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(current.get(), name.c_str(), 0700), 0);
    current = UniqueFd(::openat(current.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  }
  ASSERT_EQ(::mkdirat(current.get(), "leaf", 0700), 0);
  const auto paths = paths_in(top.path());
  ASSERT_EQ(paths.size(), kDepth + 1U);
  EXPECT_TRUE(paths.back().ends_with("/leaf"));
  EXPECT_TRUE(open_beneath(top.path(), paths.back(), O_RDONLY | O_DIRECTORY));
}

TEST(WalkTest, AnErrorOfTheVisitorEndsItAndAMissingTopIsOne) {
  const TestDirectory top;
  fs::create_directories(top / "a/b");
  int seen = 0;
  const auto stopped = walk_tree(top.path(), [&](const WalkEntry&) -> Result<Descend> {
    ++seen;
    return base::fail(ErrorCode::kIo, "enough");
  });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message(), "enough");
  EXPECT_EQ(seen, 1);
  const auto missing =
      walk_tree(top / "missing", [](const WalkEntry&) -> Result<Descend> { return Descend::kYes; });
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::sys
