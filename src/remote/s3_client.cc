// SPDX-License-Identifier: Apache-2.0
#include "remote/internal/s3_client.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "crypto/hex.h"
#include "http/url.h"
#include "remote/internal/answers.h"
#include "remote/remote_url.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

constexpr std::string_view kTokenHeader = "x-amz-security-token";

// What S3 answers with a status of the kind 4xx, but was caused by the way and not by us; and a
// CompleteMultipartUpload that fails after it began to answer, with status 200.
bool may_pass(const http::Request& request, const http::Response& response) {
  constexpr std::array<std::string_view, 6> kPassing{"BadDigest",      "XAmzContentSHA256Mismatch",
                                                     "RequestTimeout", "InternalError",
                                                     "SlowDown",       "IncompleteBody"};
  if (response.success() && request.method != "POST") return false;
  const std::string code = s3_error_code(response.body);
  return std::ranges::find(kPassing, code) != kPassing.end();
}

struct Meaning {
  std::string_view code;
  ErrorCode means;
  std::string_view message;
  std::string_view hint;
};

constexpr std::array kMeanings{
    Meaning{"NoSuchBucket", ErrorCode::kNotFound, "there is no such bucket",
            "make the bucket, or correct the remote's URL"},
    Meaning{"NoSuchUpload", ErrorCode::kGone, "the upload was ended by somebody else",
            "send it again"},
    Meaning{"InvalidAccessKeyId", ErrorCode::kDenied, "it does not know the access key",
            "correct the remote's access key"},
    Meaning{"XAdminUserNotFound", ErrorCode::kDenied, "it does not know the access key",
            "correct the remote's access key"},  // versitygw 1.8 says so, with status 404
    Meaning{"SignatureDoesNotMatch", ErrorCode::kDenied,
            "the secret key does not fit the access key", "correct the remote's secret key"},
    Meaning{"ExpiredToken", ErrorCode::kDenied, "the session token has expired",
            "give the remote fresh credentials"},
    Meaning{"InvalidToken", ErrorCode::kDenied, "the session token does not fit the access key",
            "give the remote credentials that belong together"},
    Meaning{"RequestTimeTooSkewed", ErrorCode::kDenied, "the clocks differ too much",
            "set the clock of this host"},
    Meaning{"InvalidRange", ErrorCode::kCorrupt, "the object is cut off", ""},
};

Error named(const Meaning& meaning, const std::string& where) {
  Error error(meaning.means, where + ": " + std::string(meaning.message));
  return meaning.hint.empty() ? std::move(error)
                              : std::move(error).with_hint(std::string(meaning.hint));
}

std::string base_url(const S3Options& options) {
  if (options.addressing == Addressing::kPath) return options.endpoint + "/" + options.bucket;
  const std::size_t host = options.endpoint.find("://") + 3;
  return options.endpoint.substr(0, host) + options.bucket + "." + options.endpoint.substr(host);
}

Result<void> check(S3Options& options) {
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  REPRISE_PASS(check_endpoint(options.endpoint));
  REPRISE_PASS(check_bucket(options.bucket, options.prefix));
  if (options.part_bytes < S3Options::kLeastPart || options.parallel < 1)
    return fail(ErrorCode::kInvalidInput, "parts of an upload have at least 5 MiB");
  if (options.access_key.empty() || options.secret_key.empty())
    return std::unexpected(
        Error(ErrorCode::kDenied, "there are no credentials for 's3://" + options.bucket + "'")
            .with_hint("give an access key and a secret key, or set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY"));
  return {};
}

}  // namespace

Result<std::unique_ptr<S3Client>> S3Client::open(S3Options options) {
  REPRISE_PASS(check(options));
  auto client = std::unique_ptr<S3Client>(new S3Client);
  client->url_ = "s3://" + options.bucket + (options.prefix.empty() ? "" : "/" + options.prefix);
  client->base_ = base_url(options);
  http::ClientOptions reached{.place = client->url_ + "' at '" + options.endpoint,
                              .ca_file = options.ca_file,
                              .patience = options.patience,
                              .may_pass = &may_pass};
  crypto::Secret secret = REPRISE_PASS(http::secret_of(options.secret_key));
  reached.signature = http::Signature{.scheme = "aws:amz:" + options.region + ":s3",
                                      .user = options.access_key,
                                      .secret = std::move(secret)};
  if (!options.session_token.empty()) {
    crypto::Secret token = REPRISE_PASS(http::secret_of(options.session_token));
    reached.secret_headers.push_back(
        {.name = std::string(kTokenHeader), .value = std::move(token)});
  }
  options.secret_key = options.session_token = crypto::SecretText();
  client->options_ = std::move(options);
  client->http_ = REPRISE_PASS(http::Client::open(std::move(reached)));
  return client;
}

std::string S3Client::key_of(const std::string& name) const {
  return options_.prefix.empty() ? name : options_.prefix + "/" + name;
}

Error S3Client::error_of(const S3Call& call, const http::Response& response) const {
  const std::string code = s3_error_code(response.body);
  const std::string where = "'" + url_ + "' at '" + options_.endpoint + "'";
  const auto meaning = std::ranges::find(kMeanings, code, &Meaning::code);
  if (meaning != kMeanings.end()) return named(*meaning, where);
  if (response.status == 404 && (code.empty() || code == "NoSuchKey"))
    return {ErrorCode::kNotFound, "there is no object '" + call.name + "' in '" + url_ + "'"};
  if (response.status == 416)
    return {ErrorCode::kCorrupt, "object '" + call.name + "' in '" + url_ + "' is cut off"};
  const std::string status =
      std::to_string(response.status) + (code.empty() ? "" : " (" + code + ")");
  if (response.status == 401 || response.status == 403)
    return Error(ErrorCode::kDenied, where + " refuses us with status " + status)
        .with_hint("correct the remote's access key and secret key, or what they may do there");
  if (response.status >= 300 && response.status < 400)
    return Error(ErrorCode::kInvalidInput, where + " sends us elsewhere, with status " + status)
        .with_hint("correct the remote's endpoint and region");
  return {ErrorCode::kIo, where + " answers '" + call.method + "' with status " + status};
}

Result<http::Response> S3Client::call(const S3Call& call) {
  std::string url = base_;
  if (!call.name.empty()) url += "/" + key_of(call.name);
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    url += separator + name + "=" + http::url_encode(value);
    separator = '&';
  }
  http::Request request{.method = call.method,
                        .url = std::move(url),
                        .headers = call.headers,
                        .body = call.body,
                        .into = call.into,
                        .limit = call.limit,
                        .stall = call.stall,
                        .stop = call.stop};
  const http::Body body = call.body.value_or(http::Body(std::string_view()));
  const Digests digests = call.digests ? *call.digests : REPRISE_PASS(digest(body));
  request.headers.push_back("x-amz-content-sha256: " + crypto::to_hex(digests.sha256));
  if (call.body) request.headers.push_back("Content-MD5: " + to_base64(digests.md5));
  http::Response response = REPRISE_PASS(http_->perform(request));
  if (!response.success() || (call.method == "POST" && !s3_error_code(response.body).empty()))
    return std::unexpected(error_of(call, response));
  return response;
}

}  // namespace reprise::remote
