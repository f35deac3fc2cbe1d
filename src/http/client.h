// SPDX-License-Identifier: Apache-2.0
//
// Requests over HTTP that are tried until the other side has really answered.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"
#include "crypto/secret_text.h"
#include "http/body.h"
#include "http/patience.h"

namespace reprise::http {

using base::Result;

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::optional<Body> body;
  // Where the body of an answer goes that is a success; without it, to Response::body.
  std::optional<std::span<std::byte>> into;
  // The most bytes of Response::body.
  std::size_t limit = std::size_t{64} << 20;
  // Takes the place of Patience::stall for a request that may well take the other side longer.
  std::optional<std::chrono::seconds> stall = std::nullopt;
  // Ends the transfer with kGone when it becomes true; may be null.
  const std::atomic<bool>* stop = nullptr;
};

struct Response {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::size_t received = 0;  // bytes of the body
  [[nodiscard]] bool success() const { return status >= 200 && status < 300; }
};

// Requests are signed, not the secret sent. libcurl's CURLOPT_AWS_SIGV4 has the schemes.
struct Signature {
  std::string scheme;
  std::string user;
  crypto::Secret secret;
};

struct SecretHeader {
  std::string name;
  crypto::Secret value;
};

struct ClientOptions {
  std::string place;  // what errors call the other side; holds no secret
  std::string ca_file, cert_file, key_file;
  Patience patience;
  std::optional<Signature> signature;
  std::vector<SecretHeader> secret_headers;  // sent with each request, and signed
  std::optional<crypto::Secret> bearer;
  // Whether what this answer complains of may pass; 5xx, 408 and 429 always may.
  bool (*may_pass)(const Request&, const Response&) = nullptr;
};

// For what follows. kBusy without protected memory.
Result<crypto::Secret> secret_of(const crypto::SecretText& text);

struct Attempt;

// May be used by several threads at once; keeps a connection per thread that was in it.
class Client {
 public:
  // kInvalidInput for a file that cannot be read.
  static Result<std::unique_ptr<Client>> open(ClientOptions options);

  // The answer, whole, whatever its status: what may pass was tried again. kBusy if it did not
  // pass, kDenied if one side does not trust the other's certificate, kInvalidInput if the body is
  // longer than Request::limit, kCorrupt if longer than Request::into.
  Result<Response> perform(const Request& request);

 private:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}
  struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  using Handle = std::unique_ptr<CURL, Cleanup>;

  Result<Handle> take();
  void give_back(Handle handle);
  void prepare(CURL* handle);
  Result<Response> try_once(const Request& request, CURL* handle, std::string& trouble);
  Result<Response> judge(const Request& request, Attempt& attempt, CURLcode code,
                         std::string& trouble);

  ClientOptions options_;
  std::mutex lock_;
  std::vector<Handle> idle_;
};

}  // namespace reprise::http
