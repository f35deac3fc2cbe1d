// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "http/client.h"
#include "http/internal/line.h"

namespace reprise::http {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

namespace {

constexpr long kSlowest = 1000;  // bytes per second

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// "HTTP/1.1 200 OK"
long status_in(std::string_view line) {
  const std::string_view rest = trimmed(line.substr(std::min(line.find(' '), line.size())));
  long status = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), status);
  return status;
}

}  // namespace

// What libcurl calls.
struct Exchange::Callbacks {
  static std::size_t on_header(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t on_body(char* data, std::size_t, std::size_t bytes, void* self);
  static std::size_t on_send(char* data, std::size_t size, std::size_t count, void* self);
};

std::size_t Exchange::Callbacks::on_header(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.note_move();
  Head& head = exchange.head_;
  const std::string_view line(data, bytes);
  const std::size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    head = {.status = status_in(line)};  // without what an answer "100 Continue" had
  } else if (trimmed(line).empty()) {
    exchange.has_head_ = head.status >= 200;
  } else if (colon != std::string_view::npos && !exchange.has_head_) {
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    head.headers[name] = trimmed(line.substr(colon + 1));
  }
  return bytes;
}

std::size_t Exchange::Callbacks::on_body(char* data, std::size_t, std::size_t bytes, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.note_move();
  const auto came = std::as_bytes(std::span(data, bytes));
  const std::size_t direct = std::min(bytes, exchange.out_.size() - exchange.filled_);
  if (direct == 0 && exchange.spilled_ < exchange.spill_.size()) {
    exchange.reading_paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (direct > 0) std::memcpy(exchange.out_.data() + exchange.filled_, data, direct);
  exchange.filled_ += direct;
  if (direct < bytes) {
    exchange.spill_.erase(exchange.spill_.begin(),
                          exchange.spill_.begin() + static_cast<std::ptrdiff_t>(exchange.spilled_));
    exchange.spilled_ = 0;
    const auto rest = came.subspan(direct);
    exchange.spill_.insert(exchange.spill_.end(), rest.begin(), rest.end());
  }
  return bytes;
}

std::size_t Exchange::Callbacks::on_send(char* data, std::size_t size, std::size_t count,
                                         void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.note_move();
  const auto out = std::as_writable_bytes(std::span(data, size * count));
  if (exchange.request_.written) {
    if (exchange.piece_.empty() && !exchange.finished_) {
      exchange.wants_piece_ = true;
      return CURL_READFUNC_PAUSE;
    }
    const std::size_t bytes = std::min(out.size(), exchange.piece_.size());
    if (bytes > 0) std::memcpy(out.data(), exchange.piece_.data(), bytes);
    exchange.piece_ = exchange.piece_.subspan(bytes);
    return bytes;
  }
  const Body& body = *exchange.request_.body;
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), body.bytes() - exchange.sent_));
  if (Result<void> read = body.read(exchange.sent_, out.first(bytes)); !read) {
    exchange.failed_ = std::move(read).error();
    return CURL_READFUNC_ABORT;
  }
  exchange.sent_ += bytes;
  return bytes;
}

Exchange::Exchange(Client& client, std::unique_ptr<Line> line, Request request, Pace pace)
    : client_(client),
      line_(std::move(line)),
      request_(std::move(request)),
      pace_(pace),
      stall_(request_.stall.value_or(client.options_.patience.stall)) {}

Exchange::~Exchange() {
  {
    const NoSigpipe quiet;
    curl_multi_remove_handle(line_->multi(), line_->easy());
  }
  client_.give_back(std::move(line_));
}

Result<void> Exchange::begin() {
  CURL* const easy = line_->easy();
  line_->set_up(client_.options_, request_);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Callbacks::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Callbacks::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Callbacks::on_send);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  const bool steady = pace_ == Pace::kSteady;
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, steady ? kSlowest : 0L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, steady ? static_cast<long>(stall_.count()) : 0L);
  if (curl_multi_add_handle(line_->multi(), easy) == CURLM_OK) return {};
  return base::fail(ErrorCode::kInternal, "libcurl takes no request");
}

void Exchange::note_move() { moved_ = std::chrono::steady_clock::now(); }

bool Exchange::is_stopped() const {
  return stopped_ || (request_.stop != nullptr && *request_.stop);
}

bool Exchange::wants_no_more() const { return has_head_ && head_.status >= 300; }

// HTTP/1.0 without a length says the end by closing, which a cut does as well.
bool Exchange::is_whole() const {
  return request_.method == "HEAD" || head_.status == 204 || head_.status == 304 ||
         head_.headers.contains("content-length") || head_.headers.contains("transfer-encoding");
}

Error Exchange::keep(Error error) {
  failed_ = error;
  return error;
}

Error Exchange::broken(std::string trouble) {
  trouble_ = std::move(trouble);
  return keep(Error(ErrorCode::kBusy,
                    "'" + client_.options_.place + "' does not answer as it should: " + trouble_)
                  .with_hint("see whether the server runs and can be reached, and try again"));
}

void Exchange::step() {
  const NoSigpipe quiet;
  int running = 0;
  curl_multi_perform(line_->multi(), &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(line_->multi(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    over_ = true;
    code_ = message->data.result;
  }
}

void Exchange::wait() {
  constexpr milliseconds kStep{200};  // Request::stop wakes nobody
  curl_multi_poll(line_->multi(), nullptr, 0, static_cast<int>(kStep.count()), nullptr);
}

// Moves bytes until `ready`, or until all is over.
Result<void> Exchange::drive(const std::function<bool()>& ready) {
  note_move();  // no time has passed while nobody asked
  while (!ready() && !over_) {
    if (failed_) return std::unexpected(*failed_);
    if (is_stopped()) return std::unexpected(keep({ErrorCode::kGone, "the transfer was given up"}));
    step();
    if (ready() || over_) break;
    if (pace_ == Pace::kAny && std::chrono::steady_clock::now() - moved_ >= stall_)
      return std::unexpected(
          broken("nothing has moved for " + std::to_string(stall_.count()) + " seconds"));
    wait();
  }
  return {};
}

// Of a transfer that is over.
Result<void> Exchange::outcome() {
  if (failed_) return std::unexpected(*failed_);
  const auto code = static_cast<CURLcode>(code_);
  // A server that refuses early may answer and close while we still send.
  const bool answered = code == CURLE_SEND_ERROR && head_.status >= 400;
  if (code != CURLE_OK && !answered) {
    const std::string words = line_->words(code);
    if (auto lasting = lasting_failure(code, words, client_.options_.place))
      return std::unexpected(keep(std::move(*lasting)));
    return std::unexpected(broken(words));
  }
  if (!is_whole()) return std::unexpected(broken("its answer may be cut off"));
  return {};
}

void Exchange::unpause() {
  if (over_) return;
  const NoSigpipe quiet;
  const bool sending_paused = request_.written && piece_.empty() && !finished_ && wants_piece_;
  curl_easy_pause(line_->easy(), (reading_paused_ ? CURLPAUSE_RECV : CURLPAUSE_CONT) |
                                     (sending_paused ? CURLPAUSE_SEND : CURLPAUSE_CONT));
}

Result<void> Exchange::write(std::span<const std::byte> piece) {
  REPRISE_ASSERT(request_.written);
  REPRISE_ASSERT(!finished_);
  if (failed_) return std::unexpected(*failed_);
  if (piece.empty()) return {};
  piece_ = piece;
  wants_piece_ = false;
  unpause();
  // libcurl asks for the next piece when it has sent this one.
  Result<void> driven = drive([this] { return wants_piece_ || wants_no_more(); });
  piece_ = {};
  if (!driven) return driven;
  return over_ && !wants_no_more() ? outcome() : Result<void>();
}

void Exchange::finish() {
  finished_ = true;
  unpause();
}

Result<Head> Exchange::head() {
  if (failed_ && !has_head_) return std::unexpected(*failed_);
  REPRISE_PASS(drive([this] { return has_head_; }));
  if (!has_head_) REPRISE_PASS(outcome());
  return head_;
}

Result<std::size_t> Exchange::read(std::span<std::byte> out) {
  REPRISE_ASSERT(!out.empty());
  if (const std::size_t spilt = spill_.size() - spilled_; spilt > 0) {
    const std::size_t bytes = std::min(spilt, out.size());
    std::memcpy(out.data(), spill_.data() + spilled_, bytes);
    spilled_ += bytes;
    return bytes;
  }
  if (failed_) return std::unexpected(*failed_);
  out_ = out;
  filled_ = 0;
  if (std::exchange(reading_paused_, false)) unpause();
  const Result<void> driven = drive([this] { return filled_ > 0; });
  const std::size_t bytes = std::exchange(filled_, 0);
  out_ = {};
  if (bytes > 0) return bytes;
  REPRISE_PASS(Result<void>(driven));
  REPRISE_PASS(outcome());
  return 0;
}

void Exchange::stop() {
  stopped_ = true;
  curl_multi_wakeup(line_->multi());
}

}  // namespace reprise::http
