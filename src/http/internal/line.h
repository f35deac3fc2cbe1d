// SPDX-License-Identifier: Apache-2.0
//
// A transfer handle of libcurl with the connection that it keeps.
#pragma once

#include <curl/curl.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace reprise::http {

// Writing to a TLS connection that the other side has closed raises SIGPIPE, which libcurl leaves
// to us (CURLOPT_NOSIGNAL): kept from this thread here, and taken back if it came.
class NoSigpipe {
 public:
  NoSigpipe();
  ~NoSigpipe();
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

// One request at a time.
class Line {
 public:
  static Result<std::unique_ptr<Line>> open(const ClientOptions& options);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // Tells libcurl about the request; its body is the caller's to send.
  void set_up(const ClientOptions& options, const Request& request);
  [[nodiscard]] CURL* easy() const { return easy_; }
  [[nodiscard]] CURLM* multi() const { return multi_; }
  // What libcurl says in words of the last failure.
  [[nodiscard]] std::string words(CURLcode code) const;

 private:
  Line() = default;
  void prepare(const ClientOptions& options);

  struct FreeHeaders {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;
  std::unique_ptr<curl_slist, FreeHeaders> headers_;  // of the request
  std::array<char, CURL_ERROR_SIZE> words_{};
};

// What a failure means that no other try will mend: kDenied if one side does not trust the other,
// kInvalidInput; nullopt if another one may go better.
std::optional<base::Error> lasting_failure(CURLcode code, const std::string& words,
                                           const std::string& place);

}  // namespace reprise::http
