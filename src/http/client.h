// SPDX-License-Identifier: Apache-2.0
//
// Requests over HTTP that are tried until the other side has really answered.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/secret.h"
#include "crypto/secret_text.h"
#include "http/exchange.h"
#include "http/message.h"
#include "http/patience.h"

namespace reprise::http {

using base::Result;

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
  // Whom to trust instead of authorities and host names: whose certificate has this public key
  // (SelfSigned::pin).
  std::string pin;
  Patience patience;
  std::optional<Signature> signature;
  std::vector<SecretHeader> secret_headers;  // sent with each request, and signed
  std::optional<crypto::Secret> bearer;
  // Whether what this answer complains of may pass; 5xx, 408 and 429 always may.
  bool (*may_pass)(const Request&, const Response&) = nullptr;
};

// For what follows. kBusy without protected memory.
Result<crypto::Secret> secret_of(const crypto::SecretText& text);

class Line;

// May be used by several threads at once; keeps a connection per thread that was in it. Outlives
// its exchanges.
class Client {
 public:
  // kInvalidInput for a file that cannot be read.
  static Result<std::unique_ptr<Client>> open(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins a request whose answer is read, and body may be written, piece by piece. Nothing is
  // tried twice. Errors of the exchange: kBusy if the other side cannot be reached, breaks off, or
  // moves no byte for as long as Patience::stall (or Request::stall) says; kDenied if one side does
  // not trust the other's certificate; kGone after a stop; kInvalidInput for what cannot be asked.
  Result<std::unique_ptr<Exchange>> start(Request request);

  // The answer, whole, whatever its status: what may pass was tried again. kBusy if it did not
  // pass, kDenied if one side does not trust the other's certificate, kInvalidInput if the body is
  // longer than Request::limit, kCorrupt if longer than Request::into.
  Result<Response> perform(const Request& request);

 private:
  friend class Exchange;
  explicit Client(ClientOptions options);
  Result<std::unique_ptr<Exchange>> start(Request request, Exchange::Pace pace);
  Result<std::unique_ptr<Line>> take();
  void give_back(std::unique_ptr<Line> line);
  Result<Response> try_once(const Request& request, std::string& trouble);

  ClientOptions options_;
  std::mutex lock_;
  std::vector<std::unique_ptr<Line>> idle_;
};

}  // namespace reprise::http
