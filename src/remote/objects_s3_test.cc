// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "base/id.h"
#include "remote/internal/test_place.h"
#include "remote/internal/test_s3_server.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;

TestPlace make_bucket() {
  auto opened = open_s3(TestS3Server::instance().options(base::random_id() + "/below"));
  EXPECT_TRUE(opened) << opened.error().message();
  return {.behind = nullptr, .objects = std::move(*opened)};
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreTest, testing::Values(PlaceKind{"S3", &make_bucket}),
                         place_name);

TEST(S3Objects, AWholeBucketAndMoreThanAPageOfNames) {
  S3Options options = TestS3Server::instance().options("");
  std::filesystem::create_directories(TestS3Server::instance().bucket() / "../other/packs");
  options.bucket = "other";
  for (int i = 0; i < 2100; ++i)
    std::ofstream(TestS3Server::instance().bucket() / "../other/packs" / std::to_string(i)) << i;
  const auto objects = open_s3(options);
  ASSERT_TRUE(objects) << objects.error().message();
  const auto listed = (*objects)->list("packs/");
  ASSERT_TRUE(listed) << listed.error().message();
  EXPECT_EQ(listed->size(), 2100U);
  EXPECT_TRUE(std::ranges::is_sorted(*listed, {}, &ObjectInfo::name));
  EXPECT_EQ(*(*objects)->get("packs/2099", 10), "2099");
}

TEST(S3Objects, CredentialsThatDoNotFitAreNamed) {
  S3Options options = TestS3Server::instance().options("p");
  options.secret_key = crypto::SecretText("wrong");
  const auto denied = (*open_s3(options))->put("packs/a", "1");
  EXPECT_EQ(denied.error().code(), ErrorCode::kDenied);
  EXPECT_NE(denied.error().hint().find("secret key"), std::string::npos) << denied.error().hint();
  options.access_key = "nobody";
  const auto unknown = (*open_s3(options))->list("");
  EXPECT_EQ(unknown.error().code(), ErrorCode::kDenied);
  EXPECT_NE(unknown.error().hint().find("access key"), std::string::npos) << unknown.error().hint();
  EXPECT_EQ((*open_s3(options))->size("packs/a").error().code(), ErrorCode::kDenied);
  options.secret_key = crypto::SecretText();
  EXPECT_EQ(open_s3(options).error().code(), ErrorCode::kDenied);
}

TEST(S3Objects, AMissingBucketIsNamed) {
  S3Options options = TestS3Server::instance().options("p");
  options.bucket = "nowhere";
  const auto objects = std::move(*open_s3(options));
  const auto put = objects->put("packs/a", "1");
  EXPECT_EQ(put.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(put.error().message().find("no such bucket"), std::string::npos);
  EXPECT_NE(put.error().hint().find("make the bucket"), std::string::npos);
  // A missing bucket is no empty one.
  EXPECT_EQ(objects->size("packs/a").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(objects->list("").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(objects->remove("packs/a").error().code(), ErrorCode::kNotFound);
}

TEST(S3Objects, WhatWasChangedThereIsNotAccepted) {
  const auto objects = std::move(*open_s3(TestS3Server::instance().options("changed")));
  ASSERT_TRUE(objects->put("keys/a", "right"));
  // Over the old contents, so that what the server remembers of the object stays.
  std::fstream(TestS3Server::instance().bucket() / "changed/keys/a", std::ios::in | std::ios::out)
      << "wrong";
  EXPECT_EQ(objects->get("keys/a", 10).error().code(), ErrorCode::kCorrupt);
}

TEST(S3Objects, OptionsThatCannotBeMeantAreRefused) {
  const S3Options good = TestS3Server::instance().options("p");
  const auto refused = [&](auto change) {
    S3Options options = good;
    change(options);
    return open_s3(options).error().code();
  };
  EXPECT_EQ(refused([](S3Options& o) { o.endpoint = "ftp://x"; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(refused([](S3Options& o) { o.bucket = "a/b"; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(refused([](S3Options& o) { o.prefix = "../x"; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(refused([](S3Options& o) { o.part_bytes = 1000; }), ErrorCode::kInvalidInput);
  EXPECT_EQ(refused([](S3Options& o) { o.ca_file = "/none"; }), ErrorCode::kInvalidInput);
}

TEST(S3Objects, NoFileHasTooManyParts) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  EXPECT_EQ(part_size(17 * kMiB, 16 * kMiB), 16 * kMiB);
  EXPECT_EQ(part_size(160'000 * kMiB, 16 * kMiB), 16 * kMiB);
  EXPECT_EQ(part_size(160'000 * kMiB + 1, 16 * kMiB), 17 * kMiB);
}

}  // namespace
}  // namespace reprise::remote
