// SPDX-License-Identifier: Apache-2.0
#include "daemon/checkpoint_requests.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "host/hands_link.h"

namespace reprise::daemon {

using base::LogLevel;
using base::Result;
using nlohmann::json;

namespace {

// Whoever may edit a namespace may ask as often as he likes, and what comes of it stays: it must
// not take the room that pods are saved in, nor so much that the kubelet begins to evict them.
Result<void> check_room(const std::filesystem::path& store) {
  constexpr std::uint64_t kLeastPercent = 10;
  struct statvfs info{};
  if (::statvfs(store.c_str(), &info) != 0)
    return base::fail_errno(errno, "asking for the free space of '" + store.string() + "'");
  constexpr std::uint64_t kAll = 100;
  if (info.f_bavail * kAll >= info.f_blocks * kLeastPercent) return {};
  return base::fail(base::ErrorCode::kIo,
                    "the node's store has less than " + std::to_string(kLeastPercent) +
                        " % of its disk free: 'reprise store prune' there makes room");
}

}  // namespace

// All that there are, since anybody may name any pod; those that are over are few.
class CheckpointRequests::Listener final : public kube::Listener {
 public:
  explicit Listener(CheckpointRequests& requests) : requests_(requests) {}
  void on_list(std::vector<json> all) override {
    const std::lock_guard hold(requests_.lock_);
    requests_.requests_.clear();
    for (json& one : all) put(std::move(one));
    requests_.change_.notify_all();
  }
  void on_change(json object) override {
    const std::lock_guard hold(requests_.lock_);
    put(std::move(object));
    requests_.change_.notify_all();
  }
  void on_remove(json object) override {
    const std::lock_guard hold(requests_.lock_);
    if (const auto one = read_request(std::move(object))) requests_.requests_.erase(one->uid);
  }
  void on_state(bool in_step, const base::Error* why) override {
    if (in_step)
      return base::log(LogLevel::kInfo, "in step with the API server", {{"what", "requests"}});
    base::log(LogLevel::kWarn, "not in step with the API server",
              {{"what", "requests"}, {"error", why == nullptr ? "" : why->message()}});
  }

 private:
  void put(json object) {
    if (auto one = read_request(std::move(object)))
      requests_.requests_.insert_or_assign(one->uid, *std::move(one));
  }
  CheckpointRequests& requests_;
};

CheckpointRequests::CheckpointRequests(kube::Client& client, const ClusterView& view,
                                       host::Layout layout, std::string node)
    : client_(client),
      view_(view),
      layout_(std::move(layout)),
      node_(std::move(node)),
      listener_(std::make_unique<Listener>(*this)),
      watch_(kube::Watch::start(client, kRequestCollection, {}, *listener_)),
      thread_([this] { run(); }) {}

CheckpointRequests::~CheckpointRequests() {
  stop_ = true;
  change_.notify_all();
  thread_.join();
}

void CheckpointRequests::run() {
  constexpr std::chrono::milliseconds kPace{500};  // the pod may be heard of later
  while (!stop_) {
    for (CheckpointRequestObject& request : open()) look_at(std::move(request));
    remove_old();
    std::unique_lock hold(lock_);
    change_.wait_for(hold, kPace);
  }
}

std::vector<CheckpointRequestObject> CheckpointRequests::open() const {
  const std::lock_guard hold(lock_);
  std::vector<CheckpointRequestObject> found;
  for (const auto& [uid, request] : requests_) {
    const auto dealt = dealt_with_.find(uid);
    // What was written is in the watch a moment later.
    const bool is_ours = dealt != dealt_with_.end();
    if (!request.is_over() && !is_ours) found.push_back(request);
  }
  return found;
}

void CheckpointRequests::remove_old() {
  std::vector<CheckpointRequestObject> old;
  {
    const std::lock_guard hold(lock_);
    for (const auto& [uid, request] : requests_)
      if (is_old(request, node_, base::now_unix_millis())) old.push_back(request);
    for (const CheckpointRequestObject& one : old) requests_.erase(one.uid);
    std::erase_if(dealt_with_, [&](const auto& one) { return !requests_.contains(one.first); });
  }
  for (const CheckpointRequestObject& one : old)
    base::warn_and_ignore(
        client_.remove(one.path(), {.uid = one.uid, .resource_version = {}}, &stop_),
        "an old request stays until the agent is started again");
}

void CheckpointRequests::look_at(CheckpointRequestObject request) {
  if (stop_) return;
  // An agent of this node had it, and was started again since.
  if (request.phase == RequestPhase::kRunning && request.node == node_)
    return end(request, RequestPhase::kFailed,
               "the node's agent was started again meanwhile: whether the pod was saved says "
               "'reprise checkpoint ls' there");
  if (request.phase != RequestPhase::kPending) return;
  for (const PodFacts& pod : view_.pods()) {
    const bool is_it = pod.name_space == request.name_space && pod.name == request.pod &&
                       (request.pod_uid.empty() || pod.uid == request.pod_uid);
    if (is_it) return carry_out(std::move(request), pod);
  }
}

void CheckpointRequests::carry_out(CheckpointRequestObject request, const PodFacts& pod) {
  if (pod.deleted) return end(request, RequestPhase::kFailed, "the pod is about to end");
  if (pod.runtime_class.empty())
    return end(request, RequestPhase::kFailed,
               "it does not run under Reprise: it names no runtimeClassName");
  if (pod.running.empty()) return end(request, RequestPhase::kFailed, "no container of it runs");
  if (const auto room = check_room(layout_.store); !room)
    return end(request, RequestPhase::kFailed, room.error().message());
  set_phase(request, RequestPhase::kRunning, "", node_);
  const auto begun = write(request);
  if (!begun) return base::warn_and_ignore(begun, "a request is looked at again");
  std::vector<RequestedContainer> done;
  for (const std::string& container : pod.running) {
    done.push_back(save(request, pod, container));
    set_containers(request, done);
    if (stop_) break;
  }
  const auto failed =
      std::ranges::find_if(done, [](const auto& one) { return !one.failed.empty(); });
  const bool all = failed == done.end() && done.size() == pod.running.size();
  end(request, all ? RequestPhase::kDone : RequestPhase::kFailed,
      failed != done.end() ? "container '" + failed->name + "' was not saved: " + failed->failed
      : all                ? std::string()
                           : "the node's agent was told to end");
}

RequestedContainer CheckpointRequests::save(CheckpointRequestObject& request, const PodFacts& pod,
                                            const std::string& container) {
  constexpr std::chrono::milliseconds kTold{500};
  auto told = std::chrono::steady_clock::now() - kTold;
  const auto tell = [&](const std::string& phase) {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < kTold) return;
    told = now;
    set_phase(request, RequestPhase::kRunning, "container '" + container + "': " + phase, node_);
    base::warn_and_ignore(write(request), "how far a request is is not told");
  };
  RequestedContainer result{.name = container};
  const auto id = pod.container_ids.find(container);
  const auto parsed = id == pod.container_ids.end()
                          ? base::fail(base::ErrorCode::kNotFound, "its id is not known")
                          : base::ContainerId::parse(id->second);
  const Result<host::Outcome> outcome = parsed
                                            ? host::ask_hands(layout_,
                                                              {.container = *parsed,
                                                               .pod = {.name_space = pod.name_space,
                                                                       .pod = pod.name,
                                                                       .uid = pod.uid,
                                                                       .container = container}},
                                                              tell)
                                            : std::unexpected(parsed.error());
  if (!outcome)
    result.failed = outcome.error().message();
  else if (!outcome->ok())
    result.failed = outcome->reason;
  else {
    result.checkpoint = outcome->checkpoint.str();
    result.bytes = outcome->bytes;
    result.freeze_ms = outcome->freeze_ms;
  }
  return result;
}

Result<void> CheckpointRequests::write(CheckpointRequestObject& request) {
  request.object = REPRISE_PASS(client_.update_status(request.path(), request.object, &stop_));
  const std::lock_guard hold(lock_);
  dealt_with_[request.uid] = request.phase;
  return {};
}

void CheckpointRequests::end(CheckpointRequestObject& request, RequestPhase phase,
                             const std::string& message) {
  constexpr std::chrono::seconds kPause{1};
  const auto is_lasting = [](const base::Error& error) {
    return error.code() == base::ErrorCode::kNotFound ||
           error.code() == base::ErrorCode::kInvalidInput ||
           error.code() == base::ErrorCode::kDenied;
  };
  set_phase(request, phase, message, node_);
  Result<void> written = write(request);
  if (!written && written.error().code() == base::ErrorCode::kInvalidInput) {
    // More than the object may say; how it ended is the least.
    request.object["status"].erase("containers");
    written = write(request);
  }
  while (!written && !is_lasting(written.error()) && !stop_) {
    if (kube::is_conflict(written.error())) {
      // Somebody labelled it: what we say stays the same.
      auto now = client_.get(request.path(), &stop_);
      if (now) request.object["metadata"] = (*now)["metadata"];
    } else {
      std::this_thread::sleep_for(kPause);
    }
    written = write(request);
  }
  base::warn_and_ignore(written, "how request '" + request.full_name() + "' ended is not told");
  // Whatever the object says by now, it is over.
  const std::lock_guard hold(lock_);
  dealt_with_[request.uid] = phase;
  base::log(LogLevel::kInfo, "request answered",
            {{"request", request.full_name()},
             {"pod", request.name_space + "/" + request.pod},
             {"phase", std::string(to_string(phase))},
             {"message", message}});
}

}  // namespace reprise::daemon
