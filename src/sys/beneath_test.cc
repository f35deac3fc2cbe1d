// SPDX-License-Identifier: Apache-2.0
#include "sys/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::sys {
namespace {

class Beneath : public testing::Test {
 protected:
  Beneath() : root_(open_file(directory_.path(), O_PATH | O_DIRECTORY).value()) {
    std::filesystem::create_directories(directory_ / "sub");
    std::filesystem::create_symlink("/etc", directory_ / "absolute");
    std::filesystem::create_directory_symlink("sub", directory_ / "inside");
  }
  TestDirectory directory_;
  UniqueFd root_;
};

TEST_F(Beneath, OpensAndCreatesBelowTheRoot) {
  ASSERT_TRUE(open_beneath(root_, "sub/new", O_CREAT | O_EXCL | O_WRONLY, kPrivateFile));
  const auto again = open_beneath(root_, "sub/new", O_CREAT | O_EXCL | O_WRONLY, kPrivateFile);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error_number(), EEXIST);
  const auto read = open_beneath(root_, "sub/new", O_RDONLY);
  ASSERT_TRUE(read);
  EXPECT_NE(::fcntl(read->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Beneath, RefusesWhatLeadsOut) {
  for (const std::string name : {"/etc/hostname", "..", "../x", "sub/../../x", "absolute/hostname",
                                 "inside/new", "inside"}) {
    const auto opened = open_beneath(root_, name, O_RDONLY);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code(), base::ErrorCode::kDenied) << name;
    EXPECT_NE(opened.error().message().find("'" + name + "'"), std::string::npos);
  }
}

TEST_F(Beneath, TellsWhatIsMissing) {
  const auto opened = open_beneath(root_, "sub/none", O_RDONLY);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace reprise::sys
