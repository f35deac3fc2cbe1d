// SPDX-License-Identifier: Apache-2.0
//
// What pods claim, and how it becomes theirs.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/answers.h"
#include "daemon/sessions.h"
#include "oci/cri.h"
#include "store/key_source.h"
#include "store/open_catalog.h"

namespace reprise::daemon {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::unexpected<Error> not_its(const CheckpointObject& checkpoint, const PodFacts& pod) {
  return base::fail(ErrorCode::kGone,
                    "'" + checkpoint.full_name() + "' is not for pod '" + pod.name + "' any more");
}

// The one that the pod has claimed, or else the newest first: what is older was passed by. An empty
// container stands for any.
std::vector<CheckpointObject> candidates(const ClusterView& view, const PodFacts& pod,
                                         const std::string& container) {
  std::vector<CheckpointObject> all = view.checkpoints();
  // A pod goes on from one, whatever it has of it.
  const auto is_its = [&](const CheckpointObject& one) {
    return one.claimed_by && one.claimed_by->uid == pod.uid;
  };
  if (std::ranges::any_of(all, is_its))
    std::erase_if(all, [&](const CheckpointObject& one) { return !is_its(one); });
  keep_newest_of_place(all, pod);
  std::erase_if(all, [&](const CheckpointObject& one) {
    return !may_claim(one, pod) ||
           (!container.empty() && std::ranges::find(one.expected, container) == one.expected.end());
  });
  std::ranges::sort(all, std::ranges::greater(),
                    [](const CheckpointObject& one) { return std::pair(created(one), one.name); });
  return all;
}

}  // namespace

// A pod goes on whole, or begins anew whole; whoever follows claims will find out, but later.
Result<std::string> Answers::who_began_anew(const CheckpointObject& checkpoint,
                                            const host::WillCreate& question) const {
  if (checkpoint.expected.size() < 2 || !REPRISE_PASS(catalog::Catalog::exists(store_.root)))
    return std::string();
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  for (const std::string& name : checkpoint.expected) {
    oci::PodContainer other = question.pod;
    other.container = name;
    const SavedContainer* saved = checkpoint.find(name);
    if (name == question.pod.container || saved == nullptr) continue;
    const Continued begun = REPRISE_PASS(what_became_of(catalog, other, saved->checkpoint));
    if (begun.how == Continued::How::kAnew)
      return "container '" + name + "' of the pod began anew" +
             (begun.why.empty() ? "" : ": " + begun.why);
  }
  return std::string();
}

bool Answers::has_some(const PodFacts& pod, const std::string& container) const {
  return !candidates(view_, pod, container).empty();
}

Result<bool> Answers::has_run(const base::ContainerKey& key) const {
  if (!REPRISE_PASS(catalog::Catalog::exists(store_.root))) return false;
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto lives = REPRISE_PASS(catalog.lives(key));
  return std::ranges::any_of(lives, [](const catalog::LifeRow& life) {
    return life.event == catalog::LifeEvent::kStarted ||
           life.event == catalog::LifeEvent::kRestored;
  });
}

Result<std::optional<CheckpointObject>> Answers::claim(const PodFacts& pod,
                                                       const std::string& container) {
  std::string barred;
  for (const CheckpointObject& one : candidates(view_, pod, container)) {
    if (const auto opens = check_key(one); !opens) {
      let_go(one, pod);
      barred = opens.error().message();
      continue;
    }
    Claimer claimer{.pod = pod.name, .uid = pod.uid, .node = node_, .begun = false};
    if (one.node != node_) claimer.token_hash = REPRISE_PASS(fetches_.token_hash(one.uid));
    auto now = change_status(client_, view_, one, [&](CheckpointObject& checkpoint) {
      if (!may_claim(checkpoint, pod) || checkpoint.claimed_by) return false;
      set_claim(checkpoint, claimer);
      return true;
    });
    // Somebody removed it.
    if (!now && now.error().code() == ErrorCode::kNotFound) continue;
    if (!now) return std::unexpected(std::move(now).error().with_step("claiming a checkpoint"));
    if (now->claimed_by && now->claimed_by->uid == pod.uid) return std::optional(*std::move(now));
  }
  if (!barred.empty()) return base::fail(ErrorCode::kDenied, barred);
  return std::nullopt;
}

// Before it is claimed: another node may well have the key.
Result<void> Answers::check_key(const CheckpointObject& checkpoint) const {
  if (checkpoint.node == node_) return {};
  const auto keys = store::key_ids(store_);
  const std::string remedy = "; node '" + node_ +
                             "' needs the key of the others (Secret reprise-store-key) in '" +
                             store_.key.value + "', or that of node '" + checkpoint.node +
                             "' in a file in '" + store_.key.value + ".d'";
  if (!keys)
    return base::fail(ErrorCode::kDenied,
                      "node '" + node_ + "' has no store key: " + keys.error().message() + remedy);
  if (checkpoint.key.empty() || std::ranges::find(*keys, checkpoint.key) != keys->end()) return {};
  const auto unreadable = store::unreadable_keys(store_);
  const std::string skipped = unreadable && !unreadable->empty()
                                  ? "; not tried: " + unreadable->front().message() + " (" +
                                        unreadable->front().hint() + ")"
                                  : "";
  return base::fail(ErrorCode::kDenied, "nodes '" + checkpoint.node + "' and '" + node_ +
                                            "' have other keys (" + checkpoint.key + ", " +
                                            keys->front() + ")" + skipped + remedy);
}

void Answers::let_go(const CheckpointObject& checkpoint, const PodFacts& pod) {
  if (!is_claimed_by(checkpoint, pod)) return;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    if (now.is_over() || !is_claimed_by(now, pod) || now.claimed_by->begun.value_or(false))
      return false;
    drop_claim(now);
    return true;
  });
  base::warn_and_ignore(changed, "a claim stays that is of no use");
}

// Until it says so, the node that saved it may let go of the claim (FarClaims).
Result<void> Answers::begin(const CheckpointObject& checkpoint, const PodFacts& pod) {
  const auto known = view_.checkpoint(checkpoint.uid);
  if (known && known->claimed_by && known->claimed_by->begun.value_or(false))
    return check_claim(checkpoint, pod);
  bool is_its = false;
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    is_its = is_claimed_by(now, pod) && now.phase != Phase::kWithdrawn;
    if (!is_its) return false;
    Claimer claimer = *now.claimed_by;
    claimer.begun = true;
    set_claim(now, claimer);
    return true;
  });
  if (!changed && changed.error().code() != ErrorCode::kNotFound)
    return std::unexpected(changed.error());
  if (!changed || !is_its) return not_its(checkpoint, pod);
  return {};
}

void Answers::give_up(const CheckpointObject& checkpoint, const PodFacts& pod,
                      const std::string& why) {
  const auto changed = change_status(client_, view_, checkpoint, [&](CheckpointObject& now) {
    // Whose it is by now may go on from it.
    if (now.is_over() || !is_claimed_by(now, pod)) return false;
    set_phase(
        now, Phase::kWithdrawn,
        "pod '" + pod.name + "' begins anew on node '" + node_ + "': " + why + what_is_kept(now));
    return true;
  });
  base::warn_and_ignore(changed, "a Checkpoint is not known to be given up");
}

// What the API says now: a claim may have been released since it was made.
Result<void> Answers::check_claim(const CheckpointObject& checkpoint, const PodFacts& pod) {
  auto object = client_.get(checkpoint.path());
  if (!object && object.error().code() != ErrorCode::kNotFound)
    return std::unexpected(object.error());
  const auto now = object ? read_checkpoint(*std::move(object)) : std::nullopt;
  if (now && now->uid == checkpoint.uid && is_claimed_by(*now, pod) &&
      now->phase != Phase::kWithdrawn)
    return {};
  return not_its(checkpoint, pod);
}

// Of what came from another node, which was compared with the pod.
Result<void> Answers::check_unused(catalog::Catalog& catalog, const base::CheckpointId& id) {
  const auto row = REPRISE_PASS(catalog.find_checkpoint(id.str()));
  if (!row.pending && !REPRISE_PASS(catalog.was_restored(id))) return {};
  return base::fail(ErrorCode::kGone, "checkpoint '" + id.str() +
                                          "' is another's to go on from, or was gone on from");
}

Result<void> Answers::take_over(const CheckpointObject& checkpoint, const SavedContainer& container,
                                const PodFacts& pod, const base::ContainerKey& key) {
  const std::lock_guard hold(moving_);  // no other process moves continuations of pods
  REPRISE_PASS(begin(checkpoint, pod));
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto own = REPRISE_PASS(catalog.continuation(key));
  if (own && own->checkpoint == container.checkpoint) return {};  // the kubelet tries again
  if (checkpoint.node != node_) {
    REPRISE_PASS(check_unused(catalog, container.checkpoint));
    return catalog.set_continuation(key, container.checkpoint);
  }
  // The object is not all that counts: others may have written it.
  const auto source = REPRISE_PASS(state_of_stop(catalog, checkpoint.source(container.name)));
  if (source.container.checkpoint != container.checkpoint)
    return base::fail(ErrorCode::kDenied,
                      "checkpoint '" + container.checkpoint.str() + "' is not of '" +
                          oci::full_name(checkpoint.source(container.name)) + "'");
  const auto waits = REPRISE_PASS(catalog.continuation(source.key));
  if (!waits || waits->checkpoint != container.checkpoint)
    return base::fail(ErrorCode::kGone, "checkpoint '" + container.checkpoint.str() +
                                            "' was gone on from already, or given up");
  REPRISE_PASS(catalog.drop_continuation(source.key));
  return catalog.set_continuation(key, container.checkpoint);
}

}  // namespace reprise::daemon
