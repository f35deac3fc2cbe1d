// SPDX-License-Identifier: Apache-2.0
//
// Opens the place that a URL names.
#pragma once

#include <memory>
#include <string>

#include "crypto/secret_text.h"
#include "remote/object_store.h"

namespace reprise::remote {

// What a remote is reached with. Fields that its kind does not use are ignored.
struct RemoteConfig {
  // "file:///directory", "s3://bucket" or "s3://bucket/prefix", or "https://host:port" of a peer.
  std::string url;
  std::string region = "us-east-1";
  // S3: the server ("https://host:port"); empty means AWS_ENDPOINT_URL of the environment, and
  // without that Amazon's of the region.
  std::string endpoint;
  // S3: empty means AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment.
  std::string access_key;
  crypto::SecretText secret_key;
  // S3: of credentials that expire. Empty means AWS_SESSION_TOKEN of the environment if the access
  // key is from there as well, else none.
  crypto::SecretText session_token;
  std::string ca_file;              // S3 and peer: whom to trust; empty means the system's
  std::string cert_file, key_file;  // peer: who we are
  crypto::SecretText token;         // peer: instead of a certificate
};

// Blocks at most on a directory; of servers nothing is asked before the first call.
// kInvalidInput for a URL of no known kind, kDenied where credentials are missing.
Result<std::unique_ptr<ObjectStore>> open_remote(const RemoteConfig& config);

}  // namespace reprise::remote
