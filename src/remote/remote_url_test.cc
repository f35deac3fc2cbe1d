// SPDX-License-Identifier: Apache-2.0
//
// Places that no remote can have were taken from the configuration, and found out at the first
// upload, which nobody watches.
#include "remote/remote_url.h"

#include <gtest/gtest.h>

#include <utility>

namespace reprise::remote {
namespace {

using base::ErrorCode;

TEST(RemoteUrlTest, PlacesThatThereAre) {
  for (const char* url :
       {"file:///srv/checkpoints", "file:///srv/my checkpoints/", "s3://bucket", "s3://bucket/",
        "s3://a.bucket-1/nodes/of/us", "https://node", "https://node:7070", "https://node:7070/",
        "https://10.0.0.1:1", "https://[fd00::1]:7070", "https://[fd00::1]"})
    EXPECT_TRUE(check_url(url)) << url;
  for (const char* endpoint : {"https://objects:9000", "http://127.0.0.1:9000/",
                               "https://gateway/s3", "http://[::1]:9000"})
    EXPECT_TRUE(check_endpoint(endpoint)) << endpoint;
}

TEST(RemoteUrlTest, PlacesThatCannotBe) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "begins with none of"},
      {"bucket", "begins with none of"},
      {"ftp://host/x", "begins with none of"},
      {" s3://bucket", "begins with none of"},
      {"http://node:7070", "begins with none of"},
      {"s3://", "names no bucket"},
      {"s3:///prefix", "names no bucket"},
      {"s3://my bucket", "'my bucket' is no name"},
      {"s3://bucket/a b", "'a b' is no prefix"},
      {"s3://bucket/../x", "is no prefix"},
      {"https://", "names no host"},
      {"https://:7070", "names no host"},
      {"https://no de:7070", "'no de' is no host"},
      {"https://node:7070/path", "no ':' with a port"},
      {"https://node/path", "is no host"},
      {"https://user@node", "is no host"},
      {"https://node:port", "no ':' with a port"},
      {"https://node:", "no ':' with a port"},
      {"https://node:70700", "no ':' with a port"},
      {"https://[fd00::1", "']' is missing"},
      {"file://srv/x", "no path that begins with '/'"},
      {"file:///", "names no directory"},
      {"file:///srv/\nx", "control characters"},
  };
  for (const auto& [url, why] : cases) {
    const auto checked = check_url(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code(), ErrorCode::kInvalidInput) << url;
    EXPECT_TRUE(checked.error().message().contains(why)) << checked.error().message();
    EXPECT_FALSE(checked.error().hint().empty()) << url;
  }
}

TEST(RemoteUrlTest, ServersOfBucketsThatCannotBe) {
  const std::pair<const char*, const char*> cases[] = {
      {"objects:9000", "begins with neither"}, {"s3://objects", "begins with neither"},
      {"https://", "names no host"},           {"https:///path", "names no host"},
      {"https://objects:9000/a b", "no path"}, {"https://objects: 9000", "no ':' with a port"},
      {"http://objects:0", "no ':' with"},     {"https://obj ects", "is no host"},
  };
  for (const auto& [endpoint, why] : cases) {
    const auto checked = check_endpoint(endpoint);
    ASSERT_FALSE(checked) << endpoint;
    EXPECT_TRUE(checked.error().message().contains(why)) << checked.error().message();
    EXPECT_FALSE(checked.error().hint().empty()) << endpoint;
  }
}

}  // namespace
}  // namespace reprise::remote
