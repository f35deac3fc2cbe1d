// SPDX-License-Identifier: Apache-2.0
#include "kube/events.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <thread>
#include <tuple>
#include <utility>

#include "json/lenient.h"
#include "json/reader.h"
#include "kube/internal/micro_time.h"
#include "kube/internal/request_pace.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::size_t kLongestNote = 1024;
constexpr std::size_t kLongestName = 230;  // with what follows, a name of 253
constexpr std::size_t kMostSeries = 2048;  // remembered, so that the same is counted
// Half of the client's requests stay for others.
constexpr milliseconds kBetweenEvents{100};

// Cut between characters.
std::string cut_note(std::string note) {
  if (note.size() <= kLongestNote) return note;
  std::size_t end = kLongestNote;
  while (end > 0 && (static_cast<unsigned char>(note[end]) & 0xC0U) == 0x80U) --end;
  note.resize(end);
  return note;
}

std::string new_name(const ObjectReference& about) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(random()));
  return about.name.substr(0, kLongestName) + "." + digits.data();
}

// What is the same.
using SeriesKey = std::tuple<std::string, std::string, std::string, EventType, std::string,
                             std::string, std::string>;

SeriesKey key_of(const Event& event) {
  return {event.about.uid, event.about.namespace_, event.about.name, event.type,
          event.reason,    event.action,           event.note};
}

struct Series {
  Event event;
  std::string name;  // of the Event that there is; empty if there is none yet
  system_clock::time_point first, last;
  Time used;  // when it was posted last
  Time told;  // when the server was told last
  std::int64_t count = 1;
  std::int64_t told_count = 0;
  std::optional<Time> due = std::nullopt;     // when the server is to be told
  std::optional<Time> failed = std::nullopt;  // since when that fails
  milliseconds wait{1'000};                   // before the next try
};

class RunningEvents final : public Events {
 public:
  RunningEvents(Client& client, EventsOptions options, OnFailure on_failure)
      : client_(client), options_(std::move(options)), on_failure_(std::move(on_failure)) {
    if (options_.instance.empty()) options_.instance = options_.controller;
  }
  ~RunningEvents() override;
  RunningEvents(const RunningEvents&) = delete;
  RunningEvents& operator=(const RunningEvents&) = delete;

  void begin() {
    thread_ = std::thread([this] { run(); });
  }
  void post(Event event) override;

 private:
  using All = std::map<SeriesKey, Series>;
  void run();
  void send(std::unique_lock<std::mutex>& hold, const SeriesKey& key);
  void settle(const SeriesKey& key, const Series& sent, Result<json> answer,
              std::optional<Error>& lost);
  Result<json> tell(const Series& series);
  void forget_old(Time now);
  void report(std::unique_lock<std::mutex>& hold, const Error& why);
  [[nodiscard]] All::iterator next();
  [[nodiscard]] json as_object(const Series& series) const;

  Client& client_;
  EventsOptions options_;
  const OnFailure on_failure_;
  std::atomic<bool> abandon_ = false;
  std::mutex lock_;
  std::condition_variable changed_;
  All series_;
  std::size_t waiting_ = 0;  // of them are due some time
  std::size_t dropped_ = 0;  // which nobody was told yet
  bool ending_ = false;
  bool over_ = false;
  std::thread thread_;
};

RunningEvents::~RunningEvents() {
  std::unique_lock hold(lock_);
  ending_ = true;
  changed_.notify_all();
  changed_.wait_for(hold, options_.rest, [this] { return over_; });
  abandon_ = true;
  hold.unlock();
  thread_.join();
}

void RunningEvents::post(Event event) {
  event.note = cut_note(std::move(event.note));
  const Time now = std::chrono::steady_clock::now();
  const std::scoped_lock hold(lock_);
  const auto found = series_.find(key_of(event));
  const bool same =
      found != series_.end() && (found->second.due || now - found->second.used < options_.same);
  const bool waits = same && found->second.due;
  if (!waits && waiting_ >= options_.queue) {
    ++dropped_;
    return;
  }
  if (!waits) ++waiting_;
  changed_.notify_all();
  if (!same) {
    Series fresh{.event = event,
                 .first = system_clock::now(),
                 .last = system_clock::now(),
                 .used = now,
                 .due = now};
    series_.insert_or_assign(key_of(event), std::move(fresh));
    return;
  }
  Series& series = found->second;
  ++series.count;
  series.last = system_clock::now();
  series.used = now;
  if (!waits) series.due = std::max(now, series.told + options_.recount);
}

json RunningEvents::as_object(const Series& series) const {
  const Event& event = series.event;
  const std::string space = event.about.namespace_.empty() ? "default" : event.about.namespace_;
  json object{{"apiVersion", "events.k8s.io/v1"},
              {"kind", "Event"},
              {"metadata", {{"name", new_name(event.about)}, {"namespace", space}}},
              {"eventTime", micro_time(series.first)},
              {"reportingController", options_.controller},
              {"reportingInstance", options_.instance},
              {"type", event.type == EventType::kNormal ? "Normal" : "Warning"},
              {"reason", event.reason},
              {"action", event.action.empty() ? event.reason : event.action},
              {"note", event.note},
              {"regarding",
               {{"apiVersion", event.about.api_version},
                {"kind", event.about.kind},
                {"namespace", event.about.namespace_},
                {"name", event.about.name},
                {"uid", event.about.uid}}}};
  if (series.count > 1)
    object["series"] = {{"count", series.count}, {"lastObservedTime", micro_time(series.last)}};
  return object;
}

Result<json> RunningEvents::tell(const Series& series) {
  const json object = as_object(series);
  const std::string path = "/apis/events.k8s.io/v1/namespaces/" +
                           object["metadata"]["namespace"].get<std::string>() + "/events";
  if (series.name.empty()) return client_.create(path, object, &abandon_);
  return client_.merge(path + "/" + series.name, {{"series", object["series"]}}, &abandon_);
}

// What becomes of a series after the server was told; `lost` if it was not, and will not be.
void RunningEvents::settle(const SeriesKey& key, const Series& sent, Result<json> answer,
                           std::optional<Error>& lost) {
  constexpr milliseconds kLongestWait{10'000};
  const auto found = series_.find(key);
  if (found == series_.end()) return;
  Series& series = found->second;
  const Time now = std::chrono::steady_clock::now();
  if (answer) {
    series.name = json_reader::text_in(json_reader::child_of(*answer, "metadata"), "name");
    series.told = now;
    series.told_count = sent.count;
    series.failed.reset();
    series.due.reset();
    if (series.count > sent.count) series.due = now + options_.recount;
  } else if (answer.error().code() == ErrorCode::kNotFound && !series.name.empty()) {
    series.name.clear();  // it is too old, and was removed: anew
    return;
  } else {
    if (!series.failed) series.failed = now;
    const bool passes = answer.error().code() == ErrorCode::kBusy &&
                        now - *series.failed < options_.give_up && !ending_;
    if (passes) {
      series.due = now + with_jitter(series.wait);
      series.wait = std::min(series.wait * 2, kLongestWait);
      return;
    }
    series.due.reset();
    lost = std::move(answer).error();
  }
  if (!series.due) --waiting_;
  if (lost) series_.erase(found);
}

void RunningEvents::report(std::unique_lock<std::mutex>& hold, const Error& why) {
  if (!on_failure_) return;
  hold.unlock();
  on_failure_(why);
  hold.lock();
}

void RunningEvents::send(std::unique_lock<std::mutex>& hold, const SeriesKey& key) {
  const Series sent = series_.at(key);
  hold.unlock();
  Result<json> answer = tell(sent);
  hold.lock();
  std::optional<Error> lost;
  settle(key, sent, std::move(answer), lost);
  if (lost && !abandon_)
    report(hold, std::move(*lost).with_step("posting Event '" + sent.event.reason + "' about '" +
                                            sent.event.about.name + "'"));
  if (const std::size_t dropped = std::exchange(dropped_, 0); dropped > 0)
    report(hold, {ErrorCode::kBusy, std::to_string(dropped) + " Events were dropped: " +
                                        std::to_string(options_.queue) + " were waiting"});
}

// A series that nobody needs any more, so that the next of its kind begins anew.
void RunningEvents::forget_old(Time now) {
  const bool too_many = series_.size() > kMostSeries;
  std::erase_if(series_, [&](const auto& one) {
    return !one.second.due && (too_many || now - one.second.used >= options_.same);
  });
}

RunningEvents::All::iterator RunningEvents::next() {
  auto best = series_.end();
  for (auto one = series_.begin(); one != series_.end(); ++one)
    if (one->second.due && (best == series_.end() || *one->second.due < *best->second.due))
      best = one;
  return best;
}

void RunningEvents::run() {
  constexpr std::chrono::minutes kTidy{1};
  std::unique_lock hold(lock_);
  while (!abandon_) {
    const Time now = std::chrono::steady_clock::now();
    forget_old(now);
    const auto best = next();
    if (best == series_.end() && ending_) break;
    if (best == series_.end()) {
      changed_.wait_for(hold, kTidy);
    } else if (*best->second.due > now && !ending_) {
      changed_.wait_until(hold, *best->second.due);
    } else {
      send(hold, SeriesKey(best->first));
      if (!ending_) changed_.wait_for(hold, kBetweenEvents, [this] { return ending_; });
    }
  }
  over_ = true;
  changed_.notify_all();
}

}  // namespace

std::unique_ptr<Events> Events::start(Client& client, EventsOptions options, OnFailure on_failure) {
  auto events = std::make_unique<RunningEvents>(client, std::move(options), std::move(on_failure));
  events->begin();
  return events;
}

}  // namespace reprise::kube
