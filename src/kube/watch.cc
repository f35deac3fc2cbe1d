// SPDX-License-Identifier: Apache-2.0
#include "kube/watch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "http/url.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "kube/internal/event_lines.h"
#include "kube/internal/known_objects.h"
#include "kube/internal/refusal.h"
#include "kube/internal/request_pace.h"
#include "kube/internal/stream.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using base::fail;
using json_reader::child_of;
using json_reader::parse_or_discarded;
using json_reader::text_in;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using Clock = std::chrono::steady_clock;

seconds by_chance(seconds least) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<seconds::rep> up_to_twice(least.count(), 2 * least.count());
  return seconds(up_to_twice(random));
}

class RunningWatch final : public Watch {
 public:
  RunningWatch(Client& client, std::string path, ListOptions options, Listener& listener,
               WatchPace pace)
      : client_(client),
        path_(std::move(path)),
        options_(std::move(options)),
        listener_(listener),
        pace_(pace),
        wait_(pace.backoff) {}
  ~RunningWatch() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  RunningWatch(const RunningWatch&) = delete;
  RunningWatch& operator=(const RunningWatch&) = delete;

  void begin() {
    thread_ = std::thread([this] { run(); });
  }

 private:
  void run();
  Result<void> list();
  Result<void> follow();
  Result<void> take(std::string_view line);
  [[nodiscard]] std::string query(seconds time) const;
  void tell_state(const Error* why);

  Client& client_;
  const std::string path_;
  const ListOptions options_;
  Listener& listener_;
  const WatchPace pace_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;

  // Of the thread.
  std::string version_;  // how far we are; empty: nothing is known, or what is cannot go on
  KnownObjects known_;
  bool in_step_ = false;
  bool told_ = false;  // that it is not
  milliseconds wait_;
};

void RunningWatch::tell_state(const Error* why) {
  const bool in_step = why == nullptr;
  if (in_step ? in_step_ : told_) return;
  in_step_ = in_step;
  told_ = !in_step;
  listener_.on_state(in_step, why);
}

Result<void> RunningWatch::list() {
  List all = REPRISE_PASS(client_.list(path_, options_, &stop_));
  for (json& gone : known_.replace(all.items)) listener_.on_remove(std::move(gone));
  version_ = std::move(all.resource_version);
  listener_.on_list(std::move(all.items));
  return {};
}

std::string RunningWatch::query(seconds time) const {
  std::string query =
      "?watch=true&allowWatchBookmarks=true&resourceVersion=" + http::url_encode(version_) +
      "&timeoutSeconds=" + std::to_string(time.count());
  if (!options_.label_selector.empty())
    query += "&labelSelector=" + http::url_encode(options_.label_selector);
  if (!options_.field_selector.empty())
    query += "&fieldSelector=" + http::url_encode(options_.field_selector);
  return query;
}

// One line of the stream.
Result<void> RunningWatch::take(std::string_view line) {
  json event = parse_or_discarded(line);
  const std::string type = text_in(event, "type");
  if (!event.is_object() || !event.contains("object") || !event["object"].is_object())
    return fail(ErrorCode::kCorrupt, "the watch of '" + path_ + "' has a line that is no event");
  json object = std::move(event["object"]);
  if (type == "ERROR")
    return std::unexpected(
        refusal_in_stream({.server = client_.server(), .verb = "watch", .path = path_}, object));
  const std::string version = text_in(child_of(object, "metadata"), "resourceVersion");
  if (version.empty())
    return fail(ErrorCode::kCorrupt, "the watch of '" + path_ + "' has an object without version");
  object["metadata"].erase("managedFields");
  wait_ = pace_.backoff;
  if (type == "DELETED") {
    known_.remove(object);
    listener_.on_remove(std::move(object));
  } else if (type == "ADDED" || type == "MODIFIED") {
    known_.set(object);
    listener_.on_change(std::move(object));
  }
  version_ = version;
  return {};
}

// Until the stream ends, which is no error where the server does it.
Result<void> RunningWatch::follow() {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  const seconds time = by_chance(pace_.renewal);
  auto stream = REPRISE_PASS(client_.open_stream(
      path_ + query(time), std::min(time + pace_.overdue, pace_.silence), &stop_));
  tell_state(nullptr);
  EventLines lines;
  std::vector<std::byte> piece(kPiece);
  for (;;) {
    const std::size_t bytes = REPRISE_PASS(stream->read(piece));
    if (bytes == 0) return {};
    const std::string_view text(reinterpret_cast<const char*>(piece.data()), bytes);
    REPRISE_PASS(lines.add(text, [this](std::string_view line) { return take(line); }));
  }
}

void RunningWatch::run() {
  constexpr seconds kLasted{5};  // a stream that lived so long was no failure
  while (!stop_) {
    const auto begun = Clock::now();
    const bool anew = version_.empty();
    Result<void> result = anew ? list() : Result<void>();
    if (result && anew) wait_ = pace_.backoff;  // it is there again, whatever the stream does
    if (result) result = follow();
    if (stop_) return;
    const bool lasted = Clock::now() - begun >= kLasted;
    if (lasted) wait_ = pace_.backoff;
    if (!result) {
      const ErrorCode code = result.error().code();
      if (code != ErrorCode::kBusy && code != ErrorCode::kDenied) version_.clear();
      tell_state(&result.error());
    } else if (lasted) {
      continue;
    }
    pause_for(with_jitter(wait_), &stop_);
    wait_ = std::min(wait_ * 2, pace_.longest_backoff);
  }
}

}  // namespace

std::unique_ptr<Watch> Watch::start(Client& client, std::string path, ListOptions options,
                                    Listener& listener, WatchPace pace) {
  auto watch =
      std::make_unique<RunningWatch>(client, std::move(path), std::move(options), listener, pace);
  watch->begin();
  return watch;
}

}  // namespace reprise::kube
