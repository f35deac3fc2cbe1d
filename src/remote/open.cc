// SPDX-License-Identifier: Apache-2.0
#include "remote/open.h"

#include <cstdlib>
#include <string_view>

#include "remote/peer.h"
#include "remote/remote_url.h"
#include "remote/s3.h"

namespace reprise::remote {

namespace {

// A view of what the environment says, which nobody changes.
std::string_view environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? value : "";
}

std::string given_or_environment(const std::string& given, const char* variable) {
  return given.empty() ? std::string(environment(variable)) : given;
}

crypto::SecretText given_or_environment(const crypto::SecretText& given, const char* variable) {
  return given.empty() ? crypto::SecretText(environment(variable)) : given;
}

Result<std::unique_ptr<ObjectStore>> open_bucket(const RemoteConfig& config) {
  const BucketPlace place = bucket_of(config.url);
  const std::string endpoint = given_or_environment(config.endpoint, "AWS_ENDPOINT_URL");
  return open_s3({
      .endpoint = endpoint.empty() ? "https://s3." + config.region + ".amazonaws.com" : endpoint,
      .region = config.region,
      .bucket = place.bucket,
      .prefix = place.prefix,
      .access_key = given_or_environment(config.access_key, "AWS_ACCESS_KEY_ID"),
      .secret_key = given_or_environment(config.secret_key, "AWS_SECRET_ACCESS_KEY"),
      // That of the environment belongs to the keys of the environment.
      .session_token = config.access_key.empty()
                           ? given_or_environment(config.session_token, "AWS_SESSION_TOKEN")
                           : config.session_token,
      // Amazon takes the bucket's name in the path of old buckets only; others mostly there only.
      .addressing = endpoint.empty() ? Addressing::kHost : Addressing::kPath,
      .ca_file = config.ca_file,
  });
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_remote(const RemoteConfig& config) {
  REPRISE_PASS(check_url(config.url));
  if (config.url.starts_with(kFileScheme))
    return open_directory(config.url.substr(kFileScheme.size()));
  if (config.url.starts_with(kS3Scheme)) return open_bucket(config);
  return open_peer({.url = config.url,
                    .ca_file = config.ca_file,
                    .cert_file = config.cert_file,
                    .key_file = config.key_file,
                    .token = config.token});
}

}  // namespace reprise::remote
