// SPDX-License-Identifier: Apache-2.0
//
// What people write for the place of a remote, checked before anything is asked there. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace reprise::remote {

inline constexpr std::string_view kFileScheme = "file://";
inline constexpr std::string_view kS3Scheme = "s3://";

// kInvalidInput, with what is wrong about it and a hint, unless it is one of these:
// "file:///DIRECTORY", "s3://BUCKET", "s3://BUCKET/PREFIX", "https://HOST", "https://HOST:PORT".
base::Result<void> check_url(const std::string& url);

// The same for the server of a bucket: "https://HOST:PORT", "http://HOST", a path behind it or not.
base::Result<void> check_endpoint(const std::string& endpoint);

// Both become parts of URLs; `prefix` may be empty.
base::Result<void> check_bucket(const std::string& bucket, const std::string& prefix);

// "s3://BUCKET/PREFIX" taken apart; a slash at its end does not count.
struct BucketPlace {
  std::string bucket, prefix;
};
BucketPlace bucket_of(std::string url);

}  // namespace reprise::remote
