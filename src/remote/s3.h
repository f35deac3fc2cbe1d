// SPDX-License-Identifier: Apache-2.0
//
// A bucket of an S3-compatible object store.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "crypto/secret_text.h"
#include "http/patience.h"
#include "remote/object_store.h"

namespace reprise::remote {

// How the bucket is addressed: "https://host/bucket" or "https://bucket.host".
enum class Addressing : unsigned char { kPath, kHost };

struct S3Options {
  std::string endpoint;  // "https://host" or "http://host:port"
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;  // of all names, without slashes at its ends; may be empty
  std::string access_key;
  crypto::SecretText secret_key;
  crypto::SecretText session_token;  // of credentials that expire; empty if they do not
  Addressing addressing = Addressing::kPath;
  std::string ca_file;  // whom to trust; empty means the system's
  http::Patience patience;
  // Files of more bytes go in parts of so many, at least kLeastPart (S3's rule); in larger ones
  // where they would be more than 10,000. A transfer goes on only with the same.
  static constexpr std::uint64_t kLeastPart = std::uint64_t{5} << 20;
  std::uint64_t part_bytes = std::uint64_t{16} << 20;
  // Parts of a file, or of a large read, that are under way at once.
  unsigned parallel = 4;
};

// Asks nothing of the server yet. Objects carry their SHA-256, which get() compares, if they went
// in one piece; every part is checked by the server as it comes. A transfer that is cut off leaves
// its parts on the server, until the file is put again, drop_unfinished() ends it or a lifecycle
// rule of the bucket (AbortIncompleteMultipartUpload) removes them.
//
// kInvalidInput for options that cannot be meant, kDenied for missing credentials.
Result<std::unique_ptr<ObjectStore>> open_s3(S3Options options);

// The size of the parts of a file of `bytes`, if `wanted` is what S3Options says.
std::uint64_t part_size(std::uint64_t bytes, std::uint64_t wanted);

}  // namespace reprise::remote
