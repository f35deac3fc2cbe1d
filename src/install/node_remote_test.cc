// SPDX-License-Identifier: Apache-2.0
#include "install/node_remote.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "sys/exists.h"
#include "sys/files.h"
#include "sys/test_directory.h"

namespace reprise::install {
namespace {

using namespace std::string_view_literals;
using std::filesystem::path;

class NodeRemoteTest : public ::testing::Test {
 protected:
  NodeRemote remote() {
    const path mounted = scratch_ / "mounted";
    EXPECT_TRUE(sys::make_directories(mounted));
    EXPECT_TRUE(sys::replace_file(mounted / "access-key", "AK\"IA\n"));
    EXPECT_TRUE(sys::replace_file(mounted / "secret-key", "not/a+secret\n"));
    EXPECT_TRUE(sys::replace_file(mounted / "else", "x"));
    auto secret = read_remote_secret(mounted);
    EXPECT_TRUE(secret && secret->size() == 2);
    return {.url = "s3://bucket/cluster-1",
            .endpoint = "https://objects.example:9000",
            .region = "eu",
            .secret = std::move(*secret)};
  }
  [[nodiscard]] bool is_there(const path& file) const { return sys::exists(file).value(); }

  sys::TestDirectory scratch_;
  path settings_ = scratch_ / "etc/reprise";
  path file_ = settings_ / "reprise.toml";
};

TEST_F(NodeRemoteTest, IsWhatTheNodesProgramsRead) {
  for (int i = 0; i < 2; ++i) {
    const auto laid = lay_remote(remote(), settings_);
    ASSERT_TRUE(laid) << laid.error().message();
    EXPECT_TRUE(*laid);
  }
  const toml::parse_result parsed = toml::parse(sys::read_file(file_).value());
  ASSERT_TRUE(parsed);
  const toml::table& file = parsed.table();
  const auto remote = file["remote"][kNodeRemote];
  EXPECT_EQ(remote["url"].value_or(""), "s3://bucket/cluster-1"sv);
  EXPECT_EQ(remote["endpoint"].value_or(""), "https://objects.example:9000"sv);
  EXPECT_EQ(remote["region"].value_or(""), "eu"sv);
  EXPECT_TRUE(remote["upload"].value_or(false));
  EXPECT_EQ(remote["access_key"].value_or(""), "AK\"IA"sv);
  const path secret = remote["secret_key_file"].value_or("");
  EXPECT_EQ(sys::read_file(secret).value(), "not/a+secret");
  EXPECT_EQ(sys::read_file(file_)->find("not/a+secret"), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat((settings_ / "remote/secret-key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(NodeRemoteTest, GoesWhenItIsNotWantedAnyMore) {
  ASSERT_TRUE(lay_remote({}, settings_));
  EXPECT_FALSE(is_there(file_));
  ASSERT_TRUE(lay_remote(remote(), settings_));
  ASSERT_TRUE(sys::replace_file(settings_ / "store.key", "x"));
  ASSERT_TRUE(lay_remote({}, settings_));
  EXPECT_FALSE(is_there(file_));
  EXPECT_FALSE(is_there(settings_ / "remote"));
  EXPECT_TRUE(is_there(settings_ / "store.key"));
}

TEST_F(NodeRemoteTest, WhatAnAdministratorWroteStays) {
  ASSERT_TRUE(sys::make_directories(settings_));
  const std::string own = "[retention]\nkeep_last = 3\n";
  ASSERT_TRUE(sys::replace_file(file_, own));
  for (const NodeRemote& wanted : {remote(), NodeRemote{}}) {
    const auto laid = lay_remote(wanted, settings_);
    ASSERT_TRUE(laid);
    EXPECT_FALSE(*laid);
    EXPECT_EQ(sys::read_file(file_).value(), own);
  }
}

TEST_F(NodeRemoteTest, CredentialsThatLackAreNamed) {
  NodeRemote wanted = remote();
  wanted.secret.erase("secret-key");
  const auto laid = lay_remote(wanted, settings_);
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().code(), base::ErrorCode::kInvalidInput);
  EXPECT_NE(laid.error().message().find("'secret-key'"), std::string::npos);
  EXPECT_FALSE(is_there(file_));
}

// They were laid, and told by the first upload.
TEST_F(NodeRemoteTest, PlacesThatCannotBeAreRefused) {
  NodeRemote no_bucket = remote();
  no_bucket.url = "s3:///nodes";
  NodeRemote no_server = remote();
  no_server.endpoint = "objects.example:9000";
  for (const NodeRemote& wanted : {no_bucket, no_server}) {
    const auto laid = lay_remote(wanted, settings_);
    ASSERT_FALSE(laid) << wanted.url << " at " << wanted.endpoint;
    EXPECT_EQ(laid.error().code(), base::ErrorCode::kInvalidInput);
    EXPECT_FALSE(laid.error().hint().empty());
    EXPECT_FALSE(is_there(file_));
  }
}

}  // namespace
}  // namespace reprise::install
