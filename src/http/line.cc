// SPDX-License-Identifier: Apache-2.0
#include "http/internal/line.h"

#include <algorithm>
#include <string_view>

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

constexpr long kBufferBytes = 256L << 10;

void set_global_up() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  REPRISE_ASSERT(code == CURLE_OK);
}

std::string text_of(const crypto::Secret& secret) {
  const auto view = secret.view();
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

void wipe(std::string& text) { crypto::wipe(std::as_writable_bytes(std::span(text))); }

template <typename List>
void append(List& list, const std::string& text) {
  list.reset(curl_slist_append(list.release(), text.c_str()));
}

// Reserved whole, so that nothing of it is left behind where it grew. libcurl's copy is not wiped.
std::string text_of(const SecretHeader& secret) {
  constexpr std::string_view kColon = ": ";
  std::string header;
  header.reserve(secret.name.size() + kColon.size() + secret.value.size());
  header += secret.name;
  header += kColon;
  const auto view = secret.value.view();
  header.append(reinterpret_cast<const char*>(view.data()), view.size());
  return header;
}

// The other side says so by an alert, for which curl (7.88) has no code of its own. TLS 1.3 sends
// it after the handshake.
bool is_refusal(CURLcode code, std::string_view words) {
  if (!words.contains("alert")) return false;
  return code == CURLE_SSL_CONNECT_ERROR || words.contains("certificate") ||
         words.contains("unknown ca");
}

bool is_transient(CURLcode code) {
  constexpr std::array kTransient{CURLE_COULDNT_RESOLVE_PROXY,
                                  CURLE_COULDNT_RESOLVE_HOST,
                                  CURLE_COULDNT_CONNECT,
                                  CURLE_WEIRD_SERVER_REPLY,
                                  CURLE_PARTIAL_FILE,
                                  CURLE_OPERATION_TIMEDOUT,
                                  CURLE_SSL_CONNECT_ERROR,
                                  CURLE_GOT_NOTHING,
                                  CURLE_SEND_ERROR,
                                  CURLE_RECV_ERROR,
                                  CURLE_SEND_FAIL_REWIND};
  return std::ranges::find(kTransient, code) != kTransient.end();
}

}  // namespace

NoSigpipe::NoSigpipe() {
  sigset_t pending;
  sigemptyset(&pipe_);
  sigaddset(&pipe_, SIGPIPE);
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
}

NoSigpipe::~NoSigpipe() {
  constexpr timespec kNow{};
  if (!was_pending_) sigtimedwait(&pipe_, nullptr, &kNow);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Result<std::unique_ptr<Line>> Line::open(const ClientOptions& options) {
  set_global_up();
  auto line = std::unique_ptr<Line>(new Line);
  line->easy_ = curl_easy_init();
  line->multi_ = curl_multi_init();
  if (line->easy_ == nullptr || line->multi_ == nullptr)
    return fail(ErrorCode::kInternal, "libcurl gives no handle");
  line->prepare(options);
  return line;
}

Line::~Line() {
  const NoSigpipe quiet;
  curl_easy_cleanup(easy_);
  curl_multi_cleanup(multi_);
}

// What is the same for all requests.
void Line::prepare(const ClientOptions& options) {
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.patience.connect.count()));
  // Who waits long for an answer learns of a host that is gone within about a minute.
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // those of a proxy
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, words_.data());
  if (!options.ca_file.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
  if (!options.cert_file.empty())
    curl_easy_setopt(easy_, CURLOPT_SSLCERT, options.cert_file.c_str());
  if (!options.key_file.empty()) curl_easy_setopt(easy_, CURLOPT_SSLKEY, options.key_file.c_str());
  if (!options.pin.empty()) {
    curl_easy_setopt(easy_, CURLOPT_PINNEDPUBLICKEY, ("sha256//" + options.pin).c_str());
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (options.signature) {
    std::string secret = text_of(options.signature->secret);
    curl_easy_setopt(easy_, CURLOPT_AWS_SIGV4, options.signature->scheme.c_str());
    curl_easy_setopt(easy_, CURLOPT_USERNAME, options.signature->user.c_str());
    curl_easy_setopt(easy_, CURLOPT_PASSWORD, secret.c_str());
    wipe(secret);
  }
  if (options.bearer) {
    std::string token = text_of(*options.bearer);
    curl_easy_setopt(easy_, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy_, CURLOPT_XOAUTH2_BEARER, token.c_str());
    wipe(token);
  }
}

void Line::set_up(const ClientOptions& options, const Request& request) {
  headers_.reset();
  // Waiting for "100 Continue" costs a round trip per part, and a second where nobody says it.
  append(headers_, "Expect:");
  for (const std::string& header : request.headers) append(headers_, header);
  if (request.written) append(headers_, "Transfer-Encoding: chunked");
  for (const SecretHeader& secret : options.secret_headers) {
    std::string header = text_of(secret);
    append(headers_, header);
    wipe(header);
  }
  words_[0] = '\0';
  curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);  // takes back what the last request was
  if (request.method == "HEAD") curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  if (request.body || request.written) {
    curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(
        easy_, CURLOPT_INFILESIZE_LARGE,
        request.written ? curl_off_t{-1} : static_cast<curl_off_t>(request.body->bytes()));
  }
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST,
                   request.method == "HEAD" ? nullptr : request.method.c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_.get());
}

std::string Line::words(CURLcode code) const {
  return words_[0] != '\0' ? words_.data() : curl_easy_strerror(code);
}

std::optional<Error> lasting_failure(CURLcode code, const std::string& words,
                                     const std::string& place) {
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return Error(ErrorCode::kDenied, "'" + place + "' cannot be trusted: " + words)
        .with_hint(
            "name the file with the certificate of its authority, and use the host "
            "name that its certificate has");
  if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
    return Error(ErrorCode::kDenied, "'" + place + "' has another key than it should")
        .with_hint("somebody else answers there, or it was started again since");
  if (is_refusal(code, words))
    return Error(ErrorCode::kDenied, "'" + place + "' does not trust us: " + words)
        .with_hint("name a certificate and key of the authority that it trusts");
  if (!is_transient(code))
    return Error(ErrorCode::kInvalidInput, "'" + place + "' cannot be used: " + words);
  return std::nullopt;
}

}  // namespace reprise::http
