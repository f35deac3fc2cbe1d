// SPDX-License-Identifier: Apache-2.0
#include "install/cluster_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "crypto/keys.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::install {
namespace {

using crypto::SecretText;

class ClusterKeyTest : public ::testing::Test {
 protected:
  std::string there() { return sys::read_file(file_).value_or("nothing"); }
  std::size_t files() { return sys::names_in(file_.parent_path()).value().size(); }

  const std::string one_ = std::string(64, 'a'), other_ = std::string(64, 'b');
  sys::TestDirectory scratch_;
  std::filesystem::path file_ = scratch_ / "etc/store.key";
};

TEST_F(ClusterKeyTest, IsLaidOnceAndForRootAlone) {
  for (int i = 0; i < 2; ++i) {
    const auto laid = lay_key(SecretText(one_), file_);
    ASSERT_TRUE(laid) << laid.error().message();
    EXPECT_EQ(there(), one_);
    EXPECT_EQ(files(), 2U) << "and a note";
  }
  struct stat info{};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

// The same key may be written in other ways.
TEST_F(ClusterKeyTest, ANodeThatHasItWrittenOtherwiseKeepsIt) {
  ASSERT_TRUE(sys::make_directories(file_.parent_path()));
  ASSERT_TRUE(sys::replace_file(file_, "\n" + std::string(64, 'A') + "\n"));
  ASSERT_TRUE(lay_key(SecretText(one_), file_));
  EXPECT_EQ(there(), "\n" + std::string(64, 'A') + "\n");
}

// With another one the node could not open what it has saved.
TEST_F(ClusterKeyTest, AnotherKeyStaysAndIsNamed) {
  ASSERT_TRUE(lay_key(SecretText(other_), file_));
  const auto laid = lay_key(SecretText(one_), file_);
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().code(), base::ErrorCode::kDenied);
  EXPECT_NE(laid.error().message().find("is another than the cluster's"), std::string::npos);
  EXPECT_EQ(laid.error().message().find(other_), std::string::npos);
  EXPECT_EQ(there(), other_);
  EXPECT_EQ(files(), 2U);
}

// A worker made a key that no other node has.
TEST_F(ClusterKeyTest, WhereItIsLostNoOtherIsMade) {
  ASSERT_TRUE(lay_key(SecretText(one_), file_));
  ASSERT_TRUE(sys::remove_tree(file_));
  const auto made = crypto::create_key_file(file_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), base::ErrorCode::kDenied);
  ASSERT_TRUE(lay_key(SecretText(one_), file_));
  EXPECT_EQ(there(), one_);
}

TEST_F(ClusterKeyTest, WhatIsNoKeyIsNotLaid) {
  EXPECT_FALSE(lay_key(SecretText("no key"), file_));
  EXPECT_EQ(there(), "nothing");
  EXPECT_EQ(files(), 0U);
}

}  // namespace
}  // namespace reprise::install
