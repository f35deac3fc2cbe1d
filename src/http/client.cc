// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "http/internal/line.h"
#include "http/self_signed.h"
#include "sys/files.h"

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using base::fail;
using std::chrono::milliseconds;

namespace {

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

// To Request::into.
Result<void> receive_into(std::span<std::byte> into, Exchange& exchange, Response& response) {
  std::byte beyond{};
  for (;;) {
    const bool full = response.received == into.size();
    const std::size_t bytes =
        REPRISE_PASS(exchange.read(full ? std::span(&beyond, 1) : into.subspan(response.received)));
    if (bytes == 0) return {};
    if (full) return fail(ErrorCode::kCorrupt, "more bytes came than were asked for");
    response.received += bytes;
  }
}

// To Response::body.
Result<void> receive_text(std::size_t limit, Exchange& exchange, Response& response) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  std::vector<std::byte> piece(kPiece);
  for (;;) {
    const std::size_t bytes = REPRISE_PASS(exchange.read(piece));
    if (bytes == 0) return {};
    if (bytes > limit - response.body.size())
      return fail(ErrorCode::kInvalidInput,
                  "the answer is longer than " + std::to_string(limit) + " bytes");
    response.body.append(reinterpret_cast<const char*>(piece.data()), bytes);
    response.received += bytes;
  }
}

Result<Response> receive(const Request& request, Exchange& exchange) {
  constexpr std::size_t kErrorLimit = std::size_t{64} << 10;
  Head head = REPRISE_PASS(exchange.head());
  Response response{std::move(head), {}, 0};
  if (response.success() && request.into)
    REPRISE_PASS(receive_into(*request.into, exchange, response));
  else
    REPRISE_PASS(
        receive_text(response.success() ? request.limit : kErrorLimit, exchange, response));
  return response;
}

}  // namespace

Result<crypto::Secret> secret_of(const crypto::SecretText& text) {
  return crypto::Secret::copy_of(std::as_bytes(std::span(text.view())));
}

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(ClientOptions options) {
  for (const std::string& file : {options.ca_file, options.cert_file, options.key_file}) {
    if (file.empty()) continue;
    const auto readable = sys::read_file(file);
    if (!readable)
      return fail(ErrorCode::kInvalidInput,
                  "cannot use '" + options.place + "': " + readable.error().message());
  }
  if (!options.pin.empty() && !is_pin(options.pin))
    return fail(ErrorCode::kInvalidInput,
                "cannot use '" + options.place + "': '" + options.pin + "' is no pin of a key");
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

Result<std::unique_ptr<Line>> Client::take() {
  {
    const std::scoped_lock hold(lock_);
    if (!idle_.empty()) {
      std::unique_ptr<Line> line = std::move(idle_.back());
      idle_.pop_back();
      return line;
    }
  }
  return Line::open(options_);
}

void Client::give_back(std::unique_ptr<Line> line) {
  const std::scoped_lock hold(lock_);
  idle_.push_back(std::move(line));
}

Result<std::unique_ptr<Exchange>> Client::start(Request request) {
  return start(std::move(request), Exchange::Pace::kAny);
}

Result<std::unique_ptr<Exchange>> Client::start(Request request, Exchange::Pace pace) {
  std::unique_ptr<Line> line = REPRISE_PASS(take());
  auto exchange =
      std::unique_ptr<Exchange>(new Exchange(*this, std::move(line), std::move(request), pace));
  REPRISE_PASS(exchange->begin());
  return exchange;
}

// An answer, an error that stays, or one with `trouble` set: worth another try.
Result<Response> Client::try_once(const Request& request, std::string& trouble) {
  const auto exchange = REPRISE_PASS(start(request, Exchange::Pace::kSteady));
  Result<Response> response = receive(request, *exchange);
  if (!response) {
    trouble = exchange->trouble();
    return response;
  }
  const bool passes = is_passing(response->status) ||
                      (options_.may_pass != nullptr && options_.may_pass(request, *response));
  if (!passes) return response;
  trouble = "it answers with status " + std::to_string(response->status);
  return fail(ErrorCode::kBusy, trouble);
}

Result<Response> Client::perform(const Request& request) {
  milliseconds wait = options_.patience.backoff;
  std::string trouble;
  for (int left = options_.patience.tries; left > 0; --left) {
    trouble.clear();
    Result<Response> result = try_once(request, trouble);
    if (result || trouble.empty()) return result;
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
