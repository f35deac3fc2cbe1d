// SPDX-License-Identifier: Apache-2.0
//
// Signed requests to one bucket, and what S3 answers in words of ours.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "http/client.h"
#include "remote/internal/digests.h"
#include "remote/s3.h"

namespace reprise::remote {

// Sorted by name, as signatures want it (curl 7.88 signs the query as it is).
using Query = std::map<std::string, std::string>;

// A request to an object of this name, or with an empty one to the bucket itself.
struct S3Call {
  std::string method = "GET";
  std::string name;
  Query query = {};
  std::vector<std::string> headers = {};
  std::optional<http::Body> body = std::nullopt;
  std::optional<std::span<std::byte>> into = std::nullopt;
  std::size_t limit = std::size_t{64} << 20;
  std::optional<std::chrono::seconds> stall = std::nullopt;
  const std::atomic<bool>* stop = nullptr;
  std::optional<Digests> digests = std::nullopt;  // of the body, where they are known already
};

class S3Client {
 public:
  static Result<std::unique_ptr<S3Client>> open(S3Options options);

  // An answer that is a success; others are errors as ObjectStore lists them, also: kGone if there
  // is no such multipart upload any more.
  Result<http::Response> call(const S3Call& call);
  // As call(), of an answer that `parse` (answers.h) reads.
  template <typename Parse>
  auto call(const S3Call& asked, Parse parse) -> decltype(parse(std::string_view())) {
    const http::Response response = REPRISE_PASS(call(asked));
    return REPRISE_TRY(parse(response.body), "reading what '" + url_ + "' answers");
  }

  [[nodiscard]] const S3Options& options() const { return options_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  // What the bucket calls the object.
  [[nodiscard]] std::string key_of(const std::string& name) const;

 private:
  S3Client() = default;
  [[nodiscard]] base::Error error_of(const S3Call& call, const http::Response& response) const;

  S3Options options_;  // without the secret key
  std::string url_;    // for people
  std::string base_;   // of the bucket
  std::unique_ptr<http::Client> http_;
};

}  // namespace reprise::remote
