// SPDX-License-Identifier: Apache-2.0
#include "daemon/claims_here.h"

#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/sessions.h"
#include "store/open_catalog.h"
#include "sys/process.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

oci::PodContainer claimers(const CheckpointObject& checkpoint, const std::string& container) {
  return {.name_space = checkpoint.name_space,
          .pod = checkpoint.claimed_by->pod,
          .uid = checkpoint.claimed_by->uid,
          .container = container};
}

// The key of the claimer's container, in the scope in which the source's was.
Result<base::ContainerKey> key_of_claimer(const base::ContainerKey& source,
                                          const oci::PodContainer& container) {
  const std::string& text = source.str();
  return base::ContainerKey::parse(text.substr(0, text.find('@')) + "@" +
                                   oci::key_name(container).str());
}

// Takes what the pod was to go on from away from it. False if it is being gone on from right now.
Result<bool> take_back(catalog::Catalog& catalog, const CheckpointObject& checkpoint,
                       const SavedContainer& container, bool saved_here) {
  const auto row = catalog.find_checkpoint(container.checkpoint.str());
  if (!row && row.error().code() == ErrorCode::kNotFound) return true;  // it never came
  if (!row) return std::unexpected(row.error());
  if (!is_of(*row, checkpoint.source(container.name))) return true;
  const auto key = REPRISE_PASS(key_of_claimer(row->key, claimers(checkpoint, container.name)));
  const auto session = base::SessionId::random();
  const auto self = REPRISE_PASS(sys::process_ref(::getpid()));
  const auto ours = catalog.claim(key, session, self);
  if (!ours && ours.error().code() == ErrorCode::kBusy) return false;
  if (!ours) return std::unexpected(ours.error());
  if (!*ours || (*ours)->checkpoint != container.checkpoint) return true;
  // Given back before it is dropped: of a pod that is gone it is no use.
  if (saved_here) REPRISE_PASS(catalog.set_continuation(row->key, container.checkpoint));
  REPRISE_PASS(catalog.drop_continuation(key));
  return true;
}

// Tasks of the pod may have run here, and this is not the store that would tell: the node was made
// anew under its name.
Result<bool> is_forgotten(catalog::Catalog& catalog, const CheckpointObject& checkpoint) {
  if (!checkpoint.claimed_by->begun.value_or(false)) return false;
  for (const SavedContainer& one : checkpoint.containers) {
    const auto row = catalog.find_checkpoint(one.checkpoint.str());
    if (!row && row.error().code() == ErrorCode::kNotFound) return true;
    if (!row) return std::unexpected(row.error());
  }
  return false;
}

}  // namespace

ClaimsHere::ClaimsHere(kube::Client& client, ClusterView& view, std::mutex& moving,
                       store::StoreConfig store, std::string node)
    : client_(client),
      view_(view),
      moving_(moving),
      store_(std::move(store)),
      node_(std::move(node)),
      follower_(view, {.longest = milliseconds(1000), .rest = milliseconds(250)},
                [this] { look(); }) {}

void ClaimsHere::look() {
  for (const CheckpointObject& one : view_.checkpoints()) {
    if (one.is_over() || !one.claimed_by || one.claimed_by->node != node_) continue;
    if (const auto followed = follow(one); !followed)
      base::log(LogLevel::kWarn, "a claim does not come on, trying again",
                {{"checkpoint", one.full_name()}, {"error", followed.error().message()}});
  }
}

// What its containers have become, by this node's history; nobody need have told us.
Result<void> ClaimsHere::follow(const CheckpointObject& checkpoint) {
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  Progress progress;
  for (const std::string& name : checkpoint.expected) {
    const SavedContainer* saved = checkpoint.find(name);
    const auto from = saved != nullptr ? saved->checkpoint : base::CheckpointId();
    const Continued one = REPRISE_PASS(what_became_of(catalog, claimers(checkpoint, name), from));
    progress.is_underway = progress.is_underway || one.is_underway;
    if (one.how == Continued::How::kResumed) progress.resumed.push_back({name, from});
    if (one.how == Continued::How::kAnew && progress.anew.empty())
      progress.anew = "container '" + name + "' of pod '" + checkpoint.claimed_by->pod +
                      "' began anew" + (one.why.empty() ? "" : ": " + one.why);
  }
  if (!progress.resumed.empty() || !progress.anew.empty())
    return note_progress(checkpoint, progress);
  if (progress.is_underway || !is_gone(*checkpoint.claimed_by)) return {};
  return release(catalog, checkpoint);
}

// Whoever began anew has made what was saved too old, and a pod that is gone goes on no further.
Result<void> ClaimsHere::note_progress(const CheckpointObject& checkpoint,
                                       const Progress& progress) {
  const Claimer claimer = *checkpoint.claimed_by;
  const bool is_last = !progress.is_underway && is_gone(claimer);
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.is_over() || !now.claimed_by || now.claimed_by->uid != claimer.uid) return false;
    bool is_news = false;
    for (const auto& [name, id] : progress.resumed) is_news = set_resumed(now, name, id) || is_news;
    if (now.is_over() || (progress.anew.empty() && !is_last)) return is_news;
    if (!progress.resumed.empty())
      set_phase(now, Phase::kConsumed,
                progress.anew.empty() ? "pod '" + claimer.pod + "' ended before all of it went on"
                                      : progress.anew);
    else
      set_phase(now, Phase::kWithdrawn, progress.anew + what_is_kept(now));
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  return {};
}

bool ClaimsHere::is_gone(const Claimer& claimer) {
  constexpr std::chrono::seconds kSettled{3};
  const auto pod = view_.pod(claimer.uid);
  if (!view_.is_in_step() || (pod && !pod->ended)) {
    gone_.erase(claimer.uid);
    return false;
  }
  const auto now = steady_clock::now();
  return now - gone_.try_emplace(claimer.uid, now).first->second >= kSettled;
}

// Whoever takes it over for the pod at the same time asks, under this lock, whose the claim is.
Result<void> ClaimsHere::release(catalog::Catalog& catalog, const CheckpointObject& checkpoint) {
  const std::lock_guard hold(moving_);
  const bool forgotten = REPRISE_PASS(is_forgotten(catalog, checkpoint));
  for (const SavedContainer& one : checkpoint.containers)
    if (!one.checkpoint.empty() &&
        !REPRISE_PASS(take_back(catalog, checkpoint, one, checkpoint.node == node_)))
      return {};
  const Claimer claimer = *checkpoint.claimed_by;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.is_over() || !now.claimed_by || now.claimed_by->uid != claimer.uid) return false;
    if (forgotten)
      set_lost(now, "which does not know of it any more");
    else
      drop_claim(now);
    return true;
  });
  if (!changed) return std::unexpected(changed.error());
  base::log(LogLevel::kInfo, forgotten ? "a claim was given up" : "a claim was released",
            {{"checkpoint", checkpoint.full_name()}, {"pod", claimer.pod}});
  return {};
}

}  // namespace reprise::daemon
