// SPDX-License-Identifier: Apache-2.0
#include "kube/lease.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "json/lenient.h"
#include "json/reader.h"
#include "kube/internal/micro_time.h"
#include "kube/internal/request_pace.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using json_reader::child_of;
using json_reader::number_in;
using json_reader::text_in;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// Goes on while the host is suspended, as the others' clocks do.
milliseconds host_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return seconds(now.tv_sec) +
         std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds(now.tv_nsec));
}

std::string holder_of(const json& lease) {
  return text_in(child_of(lease, "spec"), "holderIdentity");
}

std::string version_of(const json& lease) {
  return text_in(child_of(lease, "metadata"), "resourceVersion");
}

class RunningLease final : public Lease {
 public:
  RunningLease(Client& client, LeaseOptions options, OnChange on_change)
      : client_(client),
        options_(std::move(options)),
        on_change_(std::move(on_change)),
        collection_("/apis/coordination.k8s.io/v1/namespaces/" + options_.namespace_ + "/leases"),
        path_(collection_ + "/" + options_.name) {}
  ~RunningLease() override;
  RunningLease(const RunningLease&) = delete;
  RunningLease& operator=(const RunningLease&) = delete;

  void begin() {
    thread_ = std::thread([this] { run(); });
  }
  [[nodiscard]] bool is_held() const override {
    return host_clock() < milliseconds(held_until_.load());
  }

 private:
  void run();
  void release();
  void tell(const Error* why);
  Result<void> seek();
  Result<void> renew();
  Result<void> look();
  Result<void> write(json lease);
  [[nodiscard]] bool is_free(const json& lease);

  Client& client_;
  const LeaseOptions options_;
  const OnChange on_change_;
  const std::string collection_, path_;
  std::atomic<milliseconds::rep> held_until_ = 0;  // of host_clock()
  std::atomic<bool> stop_ = false;
  std::atomic<bool> abandon_ = false;  // the release, too
  std::mutex lock_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;

  // Of the thread.
  json record_;              // as we wrote it; null if it is not ours, or we have not heard
  bool is_unheard_ = false;  // a write may have come to pass, but its answer has not come
  // Of another holder: what was seen, and since when.
  std::string seen_version_;
  milliseconds seen_at_{0};
  bool told_held_ = false;
  bool told_error_ = false;
};

RunningLease::~RunningLease() {
  stop_ = true;
  if (!thread_.joinable()) return;
  {
    std::unique_lock hold(lock_);
    changed_.wait_for(hold, options_.release, [this] { return over_; });
  }
  abandon_ = true;
  thread_.join();
}

// Both sides count on their own clocks: we from before we ask, others from when they saw that we
// did, which is later.
Result<void> RunningLease::write(json lease) {
  const milliseconds asked = host_clock();
  const bool is_new = version_of(lease).empty();
  lease["spec"]["holderIdentity"] = options_.identity;
  lease["spec"]["leaseDurationSeconds"] = std::chrono::ceil<seconds>(options_.duration).count();
  lease["spec"]["renewTime"] = micro_time(std::chrono::system_clock::now());
  record_ = nullptr;
  is_unheard_ = true;
  record_ = REPRISE_PASS(is_new ? client_.create(collection_, lease, &stop_)
                                : client_.update(path_, lease, &stop_));
  is_unheard_ = false;
  held_until_ = (asked + options_.duration * 4 / 5).count();
  return {};
}

Result<void> RunningLease::renew() { return write(record_); }

// Nobody has it, we have it without having heard so, or who has it has not renewed it for its time.
bool RunningLease::is_free(const json& lease) {
  const std::string holder = holder_of(lease);
  if (holder.empty() || holder == options_.identity) return true;
  if (version_of(lease) != seen_version_) {
    seen_version_ = version_of(lease);
    seen_at_ = host_clock();
    return false;
  }
  const seconds its(number_in(child_of(lease, "spec"), "leaseDurationSeconds"));
  return host_clock() - seen_at_ >= std::max<milliseconds>(its, options_.duration);
}

Result<void> RunningLease::look() {
  Result<json> found = client_.get(path_, &stop_);
  if (!found && found.error().code() != ErrorCode::kNotFound)
    return std::unexpected(std::move(found).error());
  if (found && holder_of(*found) != options_.identity) held_until_ = 0;
  if (found && !is_free(*found)) return {};
  json lease =
      found ? std::move(*found)
            : json{{"apiVersion", "coordination.k8s.io/v1"},
                   {"kind", "Lease"},
                   {"metadata", {{"name", options_.name}, {"namespace", options_.namespace_}}}};
  if (holder_of(lease) != options_.identity) {
    const json& spec = child_of(lease, "spec");
    lease["spec"] = {
        {"acquireTime", micro_time(std::chrono::system_clock::now())},
        {"leaseTransitions", found ? number_in(spec, "leaseTransitions") + 1 : std::int64_t{0}}};
  }
  return write(std::move(lease));
}

// Whoever was quicker has it; what else was written to it (a label) is no reason to give it up.
Result<void> RunningLease::seek() {
  Result<void> done = record_.is_null() ? look() : renew();
  if (done || !is_conflict(done.error())) return done;
  done = look();
  return !done && is_conflict(done.error()) ? Result<void>() : done;
}

void RunningLease::tell(const Error* why) {
  const bool held = is_held();
  const bool news = held != told_held_ || (why != nullptr && !told_error_);
  told_held_ = held;
  told_error_ = why != nullptr;
  if (news && on_change_) on_change_(held, why);
}

void RunningLease::run() {
  while (!stop_) {
    const Result<void> done = seek();
    if (stop_) break;
    tell(done ? nullptr : &done.error());
    pause_for(with_jitter(options_.renewal), &stop_);
  }
  release();
  const std::scoped_lock hold(lock_);
  over_ = true;
  changed_.notify_all();
}

// A renewal that the end cut off is unheard, and may come to pass after we have looked: then what
// we write is refused, and looked for once more. If all that does not come, others wait for its
// time to run out.
void RunningLease::release() {
  held_until_ = 0;
  for (int tries = 0; tries < 3; ++tries) {
    if (record_.is_null() && is_unheard_)
      if (Result<json> found = client_.get(path_, &abandon_);
          found && holder_of(*found) == options_.identity)
        record_ = std::move(*found);
    if (record_.is_null()) return;
    json lease = std::exchange(record_, nullptr);
    lease["spec"]["holderIdentity"] = "";
    lease["spec"]["leaseDurationSeconds"] = 1;
    lease["spec"]["renewTime"] = micro_time(std::chrono::system_clock::now());
    const Result<json> given = client_.update(path_, lease, &abandon_);
    if (given || !is_conflict(given.error())) return;
    is_unheard_ = true;
  }
}

}  // namespace

std::unique_ptr<Lease> Lease::start(Client& client, LeaseOptions options, OnChange on_change) {
  auto lease = std::make_unique<RunningLease>(client, std::move(options), std::move(on_change));
  lease->begin();
  return lease;
}

}  // namespace reprise::kube
