// SPDX-License-Identifier: Apache-2.0
#include "daemon/promises.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/expiry.h"
#include "daemon/sessions.h"
#include "host/unanswered.h"
#include "policy/ending.h"
#include "store/key_source.h"
#include "store/open_catalog.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;

namespace {

Result<std::optional<catalog::Catalog>> catalog_of(const store::StoreConfig& store) {
  if (!REPRISE_PASS(catalog::Catalog::exists(store.root))) return std::nullopt;
  return std::optional(REPRISE_PASS(store::open_existing_catalog(store)));
}

}  // namespace

Promises::Promises(kube::Client& client, ClusterView& view, const JudgedEndings& endings,
                   PodEvents& events, host::Layout layout, store::StoreConfig store,
                   std::string node, SourcePeer peer)
    : client_(client),
      view_(view),
      endings_(endings),
      events_(events),
      layout_(std::move(layout)),
      store_(std::move(store)),
      node_(std::move(node)),
      peer_(std::move(peer)),
      thread_([this] { run(); }) {}

Promises::~Promises() {
  stop_ = true;
  thread_.join();
}

// Sessions are told by the catalog, which tells nobody: so it is asked often while one is awaited.
void Promises::run() {
  constexpr milliseconds kOften{50};
  constexpr milliseconds kSeldom{1000};  // also how long our end may take
  while (!stop_) {
    const std::uint64_t seen = view_.version();
    view_.wait_change(seen, look() ? kOften : kSeldom);
  }
}

// Whether something is awaited that the API does not tell.
bool Promises::look() {
  bool awaits = false;
  tell_unanswered();
  for (const PodFacts& pod : view_.pods()) {
    tell_of_job(pod);
    if (!pod.deleted || promised_.contains(pod.uid)) continue;
    if (pod.lineage)
      promise(pod);
    else
      tell_of(pod);
  }
  withdraw_stale();
  for (const CheckpointObject& checkpoint : view_.checkpoints()) {
    // One that has another name was made by somebody else, and nobody goes on from it.
    if (checkpoint.node != node_ || !has_own_name(checkpoint)) continue;
    Result<void> done{};
    awaits = awaits || checkpoint.phase == Phase::kPromised;
    if (checkpoint.phase == Phase::kPromised) done = follow(checkpoint);
    if (checkpoint.phase == Phase::kClaimable) done = tell_peer(checkpoint);
    if (checkpoint.is_over() && !let_go_.contains(checkpoint.uid)) done = let_go(checkpoint);
    if (!done && complained_.insert(checkpoint.uid).second)
      base::log(LogLevel::kWarn, "a Checkpoint does not come on, trying again",
                {{"checkpoint", checkpoint.full_name()}, {"error", done.error().message()}});
    if (done) complained_.erase(checkpoint.uid);
  }
  forget_gone();
  return awaits;
}

// What is noted of pods of which nothing more will be told.
void Promises::forget_gone() {
  if (!view_.is_in_step()) return;
  std::set<std::string> known;
  for (const PodFacts& pod : view_.pods()) known.insert(pod.uid);
  for (const CheckpointObject& one : view_.checkpoints())
    if (one.phase == Phase::kPromised) known.insert(one.pod_uid);
  const auto is_gone = [&](const std::string& name) {
    return !known.contains(name.substr(0, name.find('/')));
  };
  for (auto* noted : {&promised_, &without_class_, &by_policy_, &missing_, &job_pods_})
    std::erase_if(*noted, is_gone);
  if (job_pods_.empty()) jobs_.clear();
}

// One that nobody makes anew has no Checkpoint.
void Promises::tell_of(const PodFacts& pod) {
  if (pod.running.empty()) return;
  promised_.insert(pod.uid);
  const oci::PodContainer who{.name_space = pod.name_space, .pod = pod.name, .uid = pod.uid};
  if (!pod.to_checkpoint().empty())
    events_.ends_for_good(who, PodEvents::Saved::kYes);
  else if (pod.disruption_target && pod.wish.on_disruption)
    events_.ends_for_good(who, PodEvents::Saved::kNo);
}

// Before it ends, so that its Job can be made anew in time.
void Promises::tell_of_job(const PodFacts& pod) {
  const bool may_be_saved = pod.wish.on_disruption || pod.wish.on_delete;
  if (!may_be_saved || pod.deleted || pod.running.empty() || pod.runtime_class.empty()) return;
  if (!pod.lineage || pod.lineage->owner.kind != "Job" || !job_pods_.insert(pod.uid).second) return;
  const Owner& owner = pod.lineage->owner;
  auto known = jobs_.find(owner.uid);
  if (known == jobs_.end()) {
    const auto job =
        client_.get("/apis/batch/v1/namespaces/" + pod.name_space + "/jobs/" + owner.name, &stop_);
    base::warn_and_ignore(job, "whether a Job counts a saved pod as failed is not known");
    known = jobs_.emplace(owner.uid, job && !ignores_disruption(*job)).first;
  }
  if (known->second)
    events_.counts_as_failure({.name_space = pod.name_space, .pod = pod.name, .uid = pod.uid},
                              owner.name);
}

void Promises::tell_unanswered() {
  const auto noted = host::take_unanswered(layout_);
  base::warn_and_ignore(noted, "endings while the agent was away are not told");
  if (!noted) return;
  for (const host::WillEnd& one : *noted) events_.unanswered(one.pod);
}

std::string Promises::why_not_saved(const std::string& pod_uid,
                                    const std::string& container) const {
  if (missing_.contains(pod_uid + "/" + container)) return "it did not run when the pod was ended";
  const std::string text = "it ended without a checkpoint";
  const auto other = missing_.lower_bound(pod_uid + "/");
  if (other != missing_.end() && other->starts_with(pod_uid + "/"))
    return text + ", since container '" + other->substr(pod_uid.size() + 1) +
           "' of the pod never ran: of a pod all go on, or none";
  if (without_class_.contains(pod_uid))
    return text + ": its pod names no runtime class (spec.runtimeClassName: reprise)";
  // Its containers do not say by whom they were to be saved: another cause may be behind it.
  if (by_policy_.contains(pod_uid))
    return text + ", which only a policy asks for: it was made before the policy, which counts " +
           "for pods that are made anew, or it ended by itself";
  return text;
}

// Whoever's they are: the pods are ours.
void Promises::withdraw_stale() {
  const auto checkpoints = view_.checkpoints();
  for (const PodFacts& pod : view_.pods())
    for (const CheckpointObject& one : checkpoints) {
      if (!is_stale_beside(one, pod)) continue;
      const auto changed = change_status(client_, view_, one, [&](CheckpointObject& now) {
        if (!is_stale_beside(now, pod)) return false;
        // An agent changes what it has claimed (deploy/kubernetes/admission.yaml).
        set_claim(now, {.pod = pod.name, .uid = pod.uid, .node = node_});
        set_phase(now, Phase::kWithdrawn, "pod '" + pod.name + "' runs without it");
        return true;
      });
      base::warn_and_ignore(changed, "an older state may be gone on from");
    }
}

// Before its containers are told to end, as a rule: the API says so first.
void Promises::promise(const PodFacts& pod) {
  const auto containers = pod.to_checkpoint();
  if (containers.empty()) return;
  const auto decision = policy::judge_ending(pod.ending_of(containers.front()));
  const std::string reason = pod.disruption.empty() ? decision.reason : pod.disruption;
  auto object = new_checkpoint(pod, containers, reason);
  set_retention(object, verdict_on(pod, view_.policies()).retention);
  auto made = client_.create(checkpoints_of(pod.name_space), object, &stop_);
  const bool there = !made && kube::is_conflict(made.error());
  if (!made && !there) {
    if (complained_.insert(pod.uid).second)
      base::log(LogLevel::kWarn, "no promise could be made, trying again",
                {{"pod", pod.name_space + "/" + pod.name}, {"error", made.error().message()}});
    return;
  }
  promised_.insert(pod.uid);
  if (made)
    for (const std::string& name : pod.missing) missing_.insert(pod.uid + "/" + name);
  if (pod.runtime_class.empty()) without_class_.insert(pod.uid);
  if (!pod.stated.on_disruption.value_or(false) && !pod.stated.on_delete.value_or(false))
    by_policy_.insert(pod.uid);
  if (made) view_.learn(*std::move(made));
  base::log(LogLevel::kInfo, "promised",
            {{"pod", pod.name_space + "/" + pod.name}, {"reason", reason}});
}

// What has become of its containers by now.
Result<void> Promises::follow(const CheckpointObject& checkpoint) {
  const auto pod = view_.pod(checkpoint.pod_uid);
  // We promise what is to end, and that is never taken back.
  if (pod && !pod->deleted && !promised_.contains(pod->uid) && view_.is_in_step())
    return remove_forged(checkpoint);
  auto catalog = REPRISE_PASS(catalog_of(store_));
  std::vector<SavedContainer> news;
  for (const std::string& name : checkpoint.expected) {
    const SavedContainer* known = checkpoint.find(name);
    if (known != nullptr && (!known->checkpoint.empty() || !known->failed.empty())) continue;
    StopState state{.container = {.name = name}};
    if (catalog) state = REPRISE_PASS(state_of_stop(*catalog, checkpoint.source(name)));
    // The kubelet lets a pod go when its containers have ended.
    if (!state.begun && view_.is_in_step() && (!pod || pod->ended) &&
        !endings_.may_begin(checkpoint.pod_uid, name))
      state.container.failed = why_not_saved(checkpoint.pod_uid, name);
    if (!state.container.checkpoint.empty() || !state.container.failed.empty())
      news.push_back(state.container);
  }
  if (news.empty()) return {};
  // The cause first, of which people are told.
  std::ranges::partition(news, [&](const SavedContainer& one) {
    return missing_.contains(checkpoint.pod_uid + "/" + one.name);
  });
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.phase != Phase::kPromised) return false;
    for (const SavedContainer& one : news) set_container(now, one);
    const auto phase = settled_phase(now);
    if (!phase) return true;
    set_phase(now, *phase, *phase == Phase::kWithdrawn ? why_withdrawn(now) : "");
    set_source_peer(now, peer_);
    set_key(now, own_key());
    set_size(now);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  if (changed->phase != Phase::kPromised) events_.settled(*changed);
  if (changed->phase != Phase::kPromised)
    base::log(LogLevel::kInfo, "settled",
              {{"checkpoint", checkpoint.full_name()},
               {"phase", std::string(to_string(changed->phase))},
               {"message", changed->message}});
  return {};
}

Result<void> Promises::remove_forged(const CheckpointObject& checkpoint) {
  base::log(LogLevel::kWarn, "a Checkpoint that nobody promised is removed",
            {{"checkpoint", checkpoint.full_name()}});
  return client_.remove(checkpoint.path(), {.uid = checkpoint.uid}, &stop_);
}

// Empty where there is none: what was saved is sealed, whatever can be read now.
std::string Promises::own_key() const {
  const auto keys = store::key_ids(store_);
  return keys ? keys->front() : "";
}

// This agent was started again since, with another key; or that of the store was exchanged.
Result<void> Promises::tell_peer(const CheckpointObject& checkpoint) {
  const std::string key = own_key();
  const auto is_told = [&](const CheckpointObject& one) {
    return one.source_peer == peer_ && (key.empty() || one.key == key);
  };
  if (is_told(checkpoint)) return {};
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.phase != Phase::kClaimable || is_told(now)) return false;
    set_source_peer(now, peer_);
    if (!key.empty()) set_key(now, key);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  return {};
}

// Nothing goes on from it here any more.
Result<void> Promises::let_go(const CheckpointObject& checkpoint) {
  auto catalog = REPRISE_PASS(catalog_of(store_));
  if (catalog)
    for (const std::string& name : checkpoint.expected) {
      const auto state = REPRISE_PASS(state_of_stop(*catalog, checkpoint.source(name)));
      if (!state.key.empty()) REPRISE_PASS(catalog->drop_continuation(state.key));
    }
  let_go_.insert(checkpoint.uid);
  return {};
}

}  // namespace reprise::daemon
