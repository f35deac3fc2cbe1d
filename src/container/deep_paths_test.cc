// SPDX-License-Identifier: Apache-2.0
#include "container/deep_paths.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <map>

#include "container/file_tree.h"
#include "container/test_archive.h"
#include "sys/files.h"
#include "sys/test_directory.h"
#include "sys/walk.h"

namespace reprise::container {
namespace {

namespace fs = std::filesystem;
using sys::UniqueFd;

TEST(DeepPathsTest, NamesAsTarListsThem) {
  EXPECT_EQ(unescaped(R"(./a\\b\n\303\244\tc d)"), "./a\\b\n\xc3\xa4\tc d");
  EXPECT_EQ(unescaped("plain\\"), "plain\\");
}

TEST(DeepPathsTest, TellsOtherComplaintsOfTar) {
  constexpr const char* kDeep = "tar: ./d: Cannot mkdir: File name too long\n";
  constexpr const char* kEnd = "tar: Exiting with failure status due to previous errors\n";
  EXPECT_TRUE(only_paths_too_long(std::string(kDeep) + kDeep + kEnd));
  EXPECT_FALSE(only_paths_too_long(std::string(kDeep) + "tar: ./e: Cannot open: Is full\n" + kEnd));
  EXPECT_FALSE(only_paths_too_long(""));
  EXPECT_FALSE(only_paths_too_long(kEnd));
}

// Everything that must come back, by its path.
std::map<std::string, std::string> look(const fs::path& top) {
  std::map<std::string, std::string> found;
  const auto walked =
      sys::walk_tree(top, [&](const sys::WalkEntry& entry) -> base::Result<sys::Descend> {
        const struct stat& s = entry.status;
        found[entry.path] = std::to_string(s.st_mode) + " " + std::to_string(s.st_mtim.tv_sec) +
                            "." + std::to_string(s.st_mtim.tv_nsec) + " " +
                            std::to_string(s.st_nlink);
        return sys::Descend::kYes;
      });
  EXPECT_TRUE(walked) << walked.error().message();
  return found;
}

// From a field: mkdir and chdir in a loop, in a container's /tmp.
TEST(DeepPathsTest, ATreeDeeperThanAnyPathComesBack) {
  const sys::TestDirectory place;
  fs::create_directories(place / "from/top");
  fs::create_directories(place / "to");
  const std::string name(150, 'd');
  UniqueFd current = sys::open_file(place / "from/top", O_RDONLY | O_DIRECTORY).value();
  constexpr int kDepth = 3 * PATH_MAX / 150;
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(current.get(), name.c_str(), 0750), 0);
    current = UniqueFd(::openat(current.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    const UniqueFd file(::openat(current.get(), "file", O_WRONLY | O_CREAT, 0604));
    ASSERT_TRUE(file.valid());
    ASSERT_EQ(::linkat(current.get(), "file", current.get(), "link", 0), 0);
  }
  ASSERT_EQ(::mknodat(current.get(), "socket", S_IFSOCK | 0711, 0), 0);

  ASSERT_TRUE(archive_into(place / "from", place / "tree.tar"));
  const auto extracted = extract_tree(place / "tree.tar", place / "to");
  ASSERT_TRUE(extracted) << extracted.error().message().substr(0, 300);
  const auto expected = look(place / "from");
  EXPECT_EQ(expected.size(), 3U * kDepth + 2);
  EXPECT_TRUE(look(place / "to") == expected);
  EXPECT_EQ(tree_equals(place / "tree.tar", place / "to"), false);  // tar cannot tell
}

}  // namespace
}  // namespace reprise::container
