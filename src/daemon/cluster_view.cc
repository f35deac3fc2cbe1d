// SPDX-License-Identifier: Apache-2.0
#include "daemon/cluster_view.h"

#include <charconv>
#include <utility>

#include "base/log.h"
#include "json/lenient.h"
#include "json/reader.h"

namespace reprise::daemon {

using base::LogLevel;
using json_reader::object_in;
using json_reader::text_in;
using nlohmann::json;

namespace {

void log_state(const char* what, bool in_step, const base::Error* why) {
  if (in_step)
    base::log(LogLevel::kInfo, "in step with the API server", {{"what", what}});
  else
    base::log(LogLevel::kWarn, "not in step with the API server",
              {{"what", what}, {"error", why == nullptr ? "" : why->message()}});
}

std::string uid_of(const json& object) { return text_in(object_in(object, "metadata"), "uid"); }

// A number, though clients are not to know (KEP-5504 lets them compare since 1.35).
std::uint64_t version_of(const json& object) {
  const std::string text = text_in(object_in(object, "metadata"), "resourceVersion");
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

class ClusterView::PodListener final : public kube::Listener {
 public:
  explicit PodListener(ClusterView& view) : view_(view) {}
  void on_list(std::vector<json> all) override {
    const std::lock_guard hold(view_.lock_);
    view_.pods_.clear();
    for (const json& pod : all) put(pod);
    view_.changed();
  }
  void on_change(json object) override {
    const std::lock_guard hold(view_.lock_);
    put(object);
    view_.changed();
  }
  void on_remove(json object) override {
    const std::lock_guard hold(view_.lock_);
    view_.pods_.erase(uid_of(object));
    view_.changed();
  }
  void on_state(bool in_step, const base::Error* why) override {
    view_.note_state("pods", view_.pods_in_step_, in_step, why);
  }

 private:
  void put(const json& pod) {
    if (auto facts = pod_facts(pod)) view_.pods_.insert_or_assign(facts->uid, *std::move(facts));
  }
  ClusterView& view_;
};

class ClusterView::CheckpointListener final : public kube::Listener {
 public:
  explicit CheckpointListener(ClusterView& view) : view_(view) {}
  void on_list(std::vector<json> all) override {
    // At once: who waits for one takes it for removed where it is missing.
    std::map<std::string, CheckpointObject> read;
    for (json& object : all)
      if (auto one = read_checkpoint(std::move(object)))
        read.insert_or_assign(one->uid, *std::move(one));
    const std::lock_guard hold(view_.lock_);
    view_.checkpoints_ = std::move(read);
    view_.changed();
  }
  void on_change(json object) override { view_.learn(std::move(object)); }
  void on_remove(json object) override {
    const std::lock_guard hold(view_.lock_);
    view_.checkpoints_.erase(uid_of(object));
    view_.changed();
  }
  void on_state(bool in_step, const base::Error* why) override {
    view_.note_state("checkpoints", view_.checkpoints_in_step_, in_step, why);
  }

 private:
  ClusterView& view_;
};

ClusterView::ClusterView(kube::Client& client, const std::string& node,
                         std::filesystem::path policy_flag)
    : pod_listener_(std::make_unique<PodListener>(*this)),
      checkpoint_listener_(std::make_unique<CheckpointListener>(*this)),
      policies_(std::make_unique<PolicyBook>(client, std::move(policy_flag), [this] {
        const std::lock_guard hold(lock_);
        changed();
      })) {
  // What ends while we are out of step is lost: so we look again soon.
  kube::WatchPace pace;
  pace.longest_backoff = std::chrono::seconds{3};
  kube::ListOptions of_node;
  of_node.field_selector = "spec.nodeName=" + node;
  pod_watch_ = kube::Watch::start(client, "/api/v1/pods", of_node, *pod_listener_, pace);
  checkpoint_watch_ =
      kube::Watch::start(client, kCheckpointCollection, {}, *checkpoint_listener_, pace);
}

ClusterView::~ClusterView() = default;

void ClusterView::note_state(const char* what, bool& noted, bool in_step, const base::Error* why) {
  log_state(what, in_step, why);
  const std::lock_guard hold(lock_);
  noted = in_step;
  changed();
}

void ClusterView::changed() {
  ++version_;
  change_.notify_all();
}

std::optional<PodFacts> ClusterView::pod(const std::string& uid) const {
  const auto policies = policies_->all();
  const std::lock_guard hold(lock_);
  const auto found = pods_.find(uid);
  if (found == pods_.end()) return std::nullopt;
  PodFacts pod = found->second;
  pod.wish = verdict_on(pod, policies).wish;
  return pod;
}

std::vector<PodFacts> ClusterView::pods() const {
  const auto policies = policies_->all();
  const std::lock_guard hold(lock_);
  std::vector<PodFacts> all;
  for (const auto& [uid, pod] : pods_) {
    all.push_back(pod);
    all.back().wish = verdict_on(pod, policies).wish;
  }
  return all;
}

std::vector<CheckpointObject> ClusterView::checkpoints() const {
  const std::lock_guard hold(lock_);
  std::vector<CheckpointObject> all;
  for (const auto& [uid, checkpoint] : checkpoints_) all.push_back(checkpoint);
  return all;
}

std::optional<CheckpointObject> ClusterView::checkpoint(const std::string& uid) const {
  const std::lock_guard hold(lock_);
  const auto found = checkpoints_.find(uid);
  return found == checkpoints_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<CheckpointObject> ClusterView::claimed_with(const std::string& token_hash,
                                                          const std::string& node) const {
  const std::lock_guard hold(lock_);
  for (const auto& [uid, one] : checkpoints_)
    if (one.claimed_by && one.claimed_by->token_hash == token_hash && one.node == node &&
        one.phase == Phase::kClaimable && has_own_name(one))
      return one;
  return std::nullopt;
}

void ClusterView::learn(json checkpoint) {
  auto read = read_checkpoint(std::move(checkpoint));
  if (!read) return;
  const std::lock_guard hold(lock_);
  const auto known = checkpoints_.find(read->uid);
  if (known != checkpoints_.end() && version_of(known->second.object) > version_of(read->object))
    return;
  checkpoints_.insert_or_assign(read->uid, *std::move(read));
  changed();
}

bool ClusterView::is_in_step() const {
  const bool has_policies = policies_->is_known();
  const std::lock_guard hold(lock_);
  return has_policies && pods_in_step_ && checkpoints_in_step_;
}

std::uint64_t ClusterView::version() const {
  const std::lock_guard hold(lock_);
  return version_;
}

void ClusterView::wait_change(std::uint64_t seen, std::chrono::milliseconds patience) const {
  std::unique_lock hold(lock_);
  change_.wait_for(hold, patience, [&] { return version_ != seen; });
}

}  // namespace reprise::daemon
