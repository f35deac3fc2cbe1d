// SPDX-License-Identifier: Apache-2.0
#include "remote/remote_url.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "remote/object_store.h"

namespace reprise::remote {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

bool is_control(char c) {
  constexpr unsigned char kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == kDelete;
}

bool is_port(std::string_view text) {
  constexpr int kMost = 65535;
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= kMost;
}

// "HOST", "HOST:PORT", "[ADDRESS]:PORT". What a name may consist of is for the resolver to say.
Result<void> check_server(std::string_view server) {
  const bool in_brackets = server.starts_with('[');
  const std::size_t end = std::min(server.find(in_brackets ? ']' : ':'), server.size());
  const std::string_view host = server.substr(in_brackets ? 1 : 0, in_brackets ? end - 1 : end);
  if (host.empty()) return fail(ErrorCode::kInvalidInput, "it names no host");
  if (in_brackets && end == server.size()) return fail(ErrorCode::kInvalidInput, "']' is missing");
  if (host.find_first_of(" /?#@[]\\<>\"") != std::string_view::npos ||
      std::ranges::any_of(host, is_control))
    return fail(ErrorCode::kInvalidInput, "'" + std::string(host) + "' is no host");
  const std::string_view rest = server.substr(in_brackets ? end + 1 : end);
  if (rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)))) return {};
  return fail(ErrorCode::kInvalidInput, "behind its host is no ':' with a port");
}

std::string_view without_slashes(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

Result<void> check_file(std::string_view path) {
  if (!path.starts_with('/'))
    return fail(ErrorCode::kInvalidInput, "behind 'file://' is no path that begins with '/'");
  if (without_slashes(path).empty()) return fail(ErrorCode::kInvalidInput, "it names no directory");
  if (std::ranges::any_of(path, is_control))
    return fail(ErrorCode::kInvalidInput, "it has control characters");
  return {};
}

Result<void> check_place(const std::string& url) {
  if (url.starts_with(kFileScheme))
    return check_file(std::string_view(url).substr(kFileScheme.size()));
  if (url.starts_with(kHttps))
    return check_server(without_slashes(std::string_view(url).substr(kHttps.size())));
  if (!url.starts_with(kS3Scheme))
    return fail(ErrorCode::kInvalidInput, "it begins with none of file://, s3:// and https://");
  const BucketPlace place = bucket_of(url);
  return check_bucket(place.bucket, place.prefix);
}

Result<void> check_server_of_bucket(std::string_view endpoint) {
  const bool is_plain = endpoint.starts_with(kHttp);
  if (!is_plain && !endpoint.starts_with(kHttps))
    return fail(ErrorCode::kInvalidInput, "it begins with neither https:// nor http://");
  endpoint.remove_prefix((is_plain ? kHttp : kHttps).size());
  const std::size_t slash = std::min(endpoint.find('/'), endpoint.size());
  REPRISE_PASS(check_server(endpoint.substr(0, slash)));
  const std::string_view path = endpoint.substr(slash);
  if (path.find_first_of(" ?#") != std::string_view::npos || std::ranges::any_of(path, is_control))
    return fail(ErrorCode::kInvalidInput, "'" + std::string(path) + "' is no path");
  return {};
}

}  // namespace

Result<void> check_url(const std::string& url) {
  const auto checked = check_place(url);
  if (checked) return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "'" + url + "' is no URL of a remote: " + checked.error().message())
          .with_hint("use file:///DIRECTORY, s3://BUCKET/PREFIX or https://HOST:PORT"));
}

Result<void> check_endpoint(const std::string& endpoint) {
  const auto checked = check_server_of_bucket(endpoint);
  if (checked) return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "'" + endpoint + "' is no server of buckets: " + checked.error().message())
          .with_hint("use https://HOST:PORT or http://HOST:PORT"));
}

Result<void> check_bucket(const std::string& bucket, const std::string& prefix) {
  if (bucket.empty()) return fail(ErrorCode::kInvalidInput, "it names no bucket");
  if (!check_object_name(bucket) || bucket.contains('/'))
    return fail(ErrorCode::kInvalidInput, "'" + bucket + "' is no name of a bucket");
  if (!prefix.empty() && !check_object_name(prefix))
    return fail(ErrorCode::kInvalidInput, "'" + prefix + "' is no prefix of objects");
  return {};
}

BucketPlace bucket_of(std::string url) {
  url = std::string(without_slashes(std::string_view(url).substr(kS3Scheme.size())));
  const std::size_t slash = std::min(url.find('/'), url.size());
  return {.bucket = url.substr(0, slash), .prefix = url.substr(std::min(slash + 1, url.size()))};
}

}  // namespace reprise::remote
