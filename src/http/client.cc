// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>
#include <utility>

#include "http/internal/attempt.h"
#include "sys/files.h"

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using base::fail;
using std::chrono::milliseconds;

namespace {

constexpr long kSlowest = 1000;  // bytes per second
// False if `stop` became true meanwhile.
bool pause(milliseconds time, const std::atomic<bool>* stop) {
  constexpr milliseconds kStep{50};
  for (; time > milliseconds{0}; time -= kStep) {
    if (stop != nullptr && *stop) return false;
    std::this_thread::sleep_for(std::min(time, kStep));
  }
  return stop == nullptr || !*stop;
}

// Part of the wait is random, so that many who were turned away at once do not come back at once.
milliseconds jittered(milliseconds wait) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds(
      std::uniform_int_distribution<milliseconds::rep>(wait.count() / 2, wait.count())(random));
}

bool is_passing(long status) { return status >= 500 || status == 408 || status == 429; }

// The other side says so by an alert, for which curl (7.88) has no code of its own. TLS 1.3 sends
// it after the handshake.
bool is_refusal(CURLcode code, std::string_view trouble) {
  if (!trouble.contains("alert")) return false;
  return code == CURLE_SSL_CONNECT_ERROR || trouble.contains("certificate") ||
         trouble.contains("unknown ca");
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

void set_global_up() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  REPRISE_ASSERT(code == CURLE_OK);
}

std::string text_of(const crypto::Secret& secret) {
  const auto view = secret.view();
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

// Writing to a TLS connection that the other side has closed raises SIGPIPE, which libcurl leaves
// to us (CURLOPT_NOSIGNAL): kept from this thread here, and taken back if it came.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    constexpr timespec kNow{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &kNow);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

void wipe(std::string& text) { crypto::wipe(std::as_writable_bytes(std::span(text))); }

}  // namespace

Result<crypto::Secret> secret_of(const crypto::SecretText& text) {
  return crypto::Secret::copy_of(std::as_bytes(std::span(text.view())));
}

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  set_global_up();
  for (const std::string& file : {options.ca_file, options.cert_file, options.key_file}) {
    if (file.empty()) continue;
    const auto readable = sys::read_file(file);
    if (!readable)
      return fail(ErrorCode::kInvalidInput,
                  "cannot use '" + options.place + "': " + readable.error().message());
  }
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

void Client::prepare(CURL* handle) {
  const Patience& patience = options_.patience;
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience.connect.count()));
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, kSlowest);
  curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  if (!options_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.cert_file.empty())
    curl_easy_setopt(handle, CURLOPT_SSLCERT, options_.cert_file.c_str());
  if (!options_.key_file.empty())
    curl_easy_setopt(handle, CURLOPT_SSLKEY, options_.key_file.c_str());
  if (options_.signature) {
    std::string secret = text_of(options_.signature->secret);
    curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, options_.signature->scheme.c_str());
    curl_easy_setopt(handle, CURLOPT_USERNAME, options_.signature->user.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, secret.c_str());
    wipe(secret);
  }
  if (options_.bearer) {
    std::string token = text_of(*options_.bearer);
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, token.c_str());
    wipe(token);
  }
}

Result<Client::Handle> Client::take() {
  {
    const std::scoped_lock hold(lock_);
    if (!idle_.empty()) {
      Handle handle = std::move(idle_.back());
      idle_.pop_back();
      return handle;
    }
  }
  Handle handle(curl_easy_init());
  if (handle == nullptr) return fail(ErrorCode::kInternal, "libcurl gives no handle");
  prepare(handle.get());
  return handle;
}

void Client::give_back(Handle handle) {
  const std::scoped_lock hold(lock_);
  idle_.push_back(std::move(handle));
}

// An answer, an error that stays, or kBusy with `trouble` set: worth another try.
Result<Response> Client::judge(const Request& request, Attempt& attempt, CURLcode code,
                               std::string& trouble) {
  if (attempt.failure) return std::unexpected(std::move(*attempt.failure));
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorCode::kGone, "the transfer was given up");
  curl_easy_getinfo(attempt.handle, CURLINFO_RESPONSE_CODE, &attempt.response.status);
  // A server that refuses early may answer and close while we still send.
  const bool answered = code == CURLE_SEND_ERROR && attempt.response.status >= 400;
  if (code != CURLE_OK && !answered) {
    std::string why =
        attempt.trouble[0] != '\0' ? attempt.trouble.data() : curl_easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
      return std::unexpected(
          Error(ErrorCode::kDenied, "'" + options_.place + "' cannot be trusted: " + why)
              .with_hint("name the file with the certificate of its authority, and use the host "
                         "name that its certificate has"));
    if (is_refusal(code, why))
      return std::unexpected(
          Error(ErrorCode::kDenied, "'" + options_.place + "' does not trust us: " + why)
              .with_hint("name a certificate and key of the authority that it trusts"));
    if (!is_transient(code))
      return fail(ErrorCode::kInvalidInput, "'" + options_.place + "' cannot be used: " + why);
    trouble = std::move(why);
    return fail(ErrorCode::kBusy, trouble);
  }
  const bool passes =
      is_passing(attempt.response.status) ||
      (options_.may_pass != nullptr && options_.may_pass(request, attempt.response));
  if (passes)
    trouble = "it answers with status " + std::to_string(attempt.response.status);
  else if (!attempt.is_whole())
    trouble = "its answer may be cut off";
  else
    return std::move(attempt.response);
  return fail(ErrorCode::kBusy, trouble);
}

Result<Response> Client::try_once(const Request& request, CURL* handle, std::string& trouble) {
  Attempt attempt{.request = request, .handle = handle, .response = {}};
  const HeaderList headers = attempt.set_up(options_);
  const auto stall = request.stall.value_or(options_.patience.stall);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall.count()));
  const NoSigpipe quiet;
  const CURLcode code = curl_easy_perform(handle);
  Result<Response> result = judge(request, attempt, code, trouble);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
  return result;
}

Result<Response> Client::perform(const Request& request) {
  Handle handle = REPRISE_PASS(take());
  milliseconds wait = options_.patience.backoff;
  std::string trouble;
  for (int left = options_.patience.tries; left > 0; --left) {
    trouble.clear();
    Result<Response> result = try_once(request, handle.get(), trouble);
    if (result || trouble.empty()) {
      give_back(std::move(handle));
      return result;
    }
    if (left == 1) break;
    if (!pause(jittered(wait), request.stop))
      return fail(ErrorCode::kGone, "the transfer was given up");
    wait = std::min(wait * 2, Patience::kLongestBackoff);
  }
  return std::unexpected(
      Error(ErrorCode::kBusy, "'" + options_.place + "' does not answer as it should, tried " +
                                  std::to_string(options_.patience.tries) + " times: " + trouble)
          .with_hint("see whether the server runs and can be reached, and try again"));
}

}  // namespace reprise::http
