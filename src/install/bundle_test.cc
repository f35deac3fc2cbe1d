// SPDX-License-Identifier: Apache-2.0
#include "install/bundle.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::install {
namespace {

namespace fs = std::filesystem;

class BundleTest : public ::testing::Test {
 protected:
  fs::path source(const std::string& text) {
    const fs::path directory = scratch_ / "image";
    EXPECT_TRUE(sys::remove_tree(directory));
    fs::create_directories(directory / "lib");
    EXPECT_TRUE(sys::replace_file(directory / "reprise", text, 0755));
    fs::create_symlink("reprise", directory / "kubectl-reprise");
    return directory;
  }
  std::string current() {
    return sys::read_file(home_ / "current/kubectl-reprise").value_or("nothing");
  }
  std::vector<std::string> bundles() { return sys::names_in(home_).value(); }

  sys::TestDirectory scratch_;
  fs::path home_ = scratch_ / "opt/reprise";
};

TEST_F(BundleTest, EachVersionIsItsOwnAndTheLastTwoStay) {
  for (const std::string name : {"1-a", "2-b", "3-c"}) {
    const auto held = sys::open_file(source(name), O_RDONLY | O_DIRECTORY).value();
    const auto laid = lay_bundle("/proc/self/fd/" + std::to_string(held.get()), name, home_);
    ASSERT_TRUE(laid) << laid.error().message();
    EXPECT_EQ(current(), name);
  }
  EXPECT_EQ(bundles(), (std::vector<std::string>{"2-b", "3-c", "current"}));
  EXPECT_EQ(fs::status(home_ / "3-c/reprise").permissions(), fs::perms(0755));
  ASSERT_TRUE(remove_bundles(home_));
  EXPECT_FALSE(fs::exists(home_));
  ASSERT_TRUE(remove_bundles(home_));
}

TEST_F(BundleTest, OneThatIsThereIsNotCopiedAgain) {
  ASSERT_TRUE(lay_bundle(source("first"), "1-a", home_));
  ASSERT_TRUE(lay_bundle(source("other"), "1-a", home_));
  EXPECT_EQ(current(), "first");
}

TEST_F(BundleTest, WhatACopyLeftThatWasKilledIsNoBundle) {
  fs::create_directories(home_ / ".1-a.part");
  ASSERT_TRUE(sys::replace_file(home_ / ".1-a.part/half", "x"));
  ASSERT_TRUE(lay_bundle(source("whole"), "1-a", home_));
  EXPECT_EQ(bundles(), (std::vector<std::string>{"1-a", "current"}));
  EXPECT_FALSE(fs::exists(home_ / "1-a/half"));
}

TEST_F(BundleTest, WhatCannotBeCopiedChangesNothing) {
  ASSERT_TRUE(lay_bundle(source("first"), "1-a", home_));
  EXPECT_FALSE(lay_bundle(scratch_ / "nowhere", "2-b", home_));
  EXPECT_EQ(current(), "first");
}

}  // namespace
}  // namespace reprise::install
