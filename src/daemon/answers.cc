// SPDX-License-Identifier: Apache-2.0
#include "daemon/answers.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/checkpoint_policy.h"
#include "daemon/sessions.h"
#include "host/agent_link.h"
#include "json/reader.h"
#include "oci/cri.h"
#include "policy/ending.h"
#include "store/open_catalog.h"

namespace reprise::daemon {

using base::ErrorCode;
using base::LogLevel;
using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// The kubelet learns of a pod by a watch as we do; the first to hear of it may be the wrapper.
constexpr std::chrono::seconds kPodPatience{3};
constexpr std::chrono::seconds kStepPatience{5};
constexpr milliseconds kLook{host::kWaitPace / 2};
constexpr const char* kPredecessors =
    "what it goes on from is still the pod's that was here before";
constexpr const char* kOutOfStep = "the agent of this node has no answer from the API server";
// The wrapper waits for a little longer, and is to be told how it stands.
constexpr std::chrono::seconds kCreatePatience = host::kLongestWait - std::chrono::seconds{5};

std::unexpected<base::Error> gone() {
  return base::fail(ErrorCode::kGone, "the runtime does not wait any more");
}

// Waits until `found` returns something, which is asked anew whenever the view changes.
template <typename Find>
auto await_in(const ClusterView& view, steady_clock::time_point deadline, const Waiting& waiting,
              const host::Wait& wait, Find find) -> Result<decltype(find())> {
  for (;;) {
    const std::uint64_t seen = view.version();
    if (auto found = find()) return found;
    if (steady_clock::now() >= deadline) return decltype(find())();
    if (!waiting(wait)) return gone();
    view.wait_change(seen, kLook);
  }
}

}  // namespace

// The kubelet may have heard of a deletion before us, some 0.2 s at the worst that was seen; a
// probe that failed is followed by none. Within the wrapper's patience.
std::optional<PodFacts> Answers::pod_that_ends(const std::string& uid) const {
  constexpr milliseconds kBehind{800};
  const auto deadline = steady_clock::now() + kBehind;
  for (;;) {
    const std::uint64_t seen = view_.version();
    auto pod = view_.pod(uid);
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds(0) || (pod && pod->deleted)) return pod;
    view_.wait_change(seen, left);
  }
}

// The API tells late of what has just begun; the node's history knows.
bool Answers::is_half(const PodFacts& pod, oci::PodContainer other) const {
  const auto never_ran = [&]() -> Result<bool> {
    auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
    const std::string asking = other.container;
    for (const std::string& name : pod.missing) {
      other.container = name;
      if (name != asking && !REPRISE_PASS(may_run(catalog, other))) return true;
    }
    return false;
  };
  if (pod.missing.empty()) return false;
  const auto found = never_ran();
  base::warn_and_ignore(found, "a pod may be saved in vain");
  return found.value_or(false);
}

host::Ending Answers::ending(const host::WillEnd& question) {
  const auto pod = pod_that_ends(question.pod.uid);
  policy::EndingFacts facts;
  // What it wishes is known by the question: it would not have been asked otherwise.
  facts.wish.on_disruption = true;
  if (pod) facts = pod->ending_of(question.pod.container);
  if (pod && pod->deleted) facts.is_half = is_half(*pod, question.pod);
  const auto decision = policy::judge_ending(facts);
  const bool checkpoint = decision.ending == policy::Ending::kCheckpoint;
  if (checkpoint) endings_.note(question.pod.uid, question.pod.container);
  std::string reason = decision.reason;
  if (checkpoint && pod && !pod->disruption.empty()) reason += " (" + pod->disruption + ")";
  base::log(LogLevel::kInfo, "ending judged",
            {{"pod", question.pod.name_space + "/" + question.pod.pod},
             {"container", question.pod.container},
             {"checkpoint", checkpoint ? "yes" : "no"},
             {"reason", reason}});
  return {.checkpoint = checkpoint, .reason = std::move(reason)};
}

host::AgentAnswer Answers::wish(const host::WhatIsWished& question) {
  constexpr milliseconds kBehind{800};  // within the wrapper's patience
  const auto found = await_in(
      view_, steady_clock::now() + kBehind, [](const host::Wait&) { return true; }, {},
      [&] { return view_.knows_policies() ? view_.pod(question.pod.uid) : std::nullopt; });
  const bool is_sandbox = question.pod.container.empty();
  if ((!found || !*found) && !view_.is_in_step() &&
      (!is_sandbox || holds_.may_hold(question.pod.uid, steady_clock::now())))
    return host::TryLater{.reason = kOutOfStep};
  if (!found || !*found) return host::PolicyWish{};
  const PolicyVerdict verdict = verdict_on(**found, view_.policies());
  if (!verdict.names.empty())
    base::log(LogLevel::kInfo, "policies asked",
              {{"pod", question.pod.name_space + "/" + question.pod.pod},
               {"policy", verdict.names.front()},
               {"on_disruption", verdict.wish.on_disruption ? "yes" : "no"},
               {"on_delete", verdict.wish.on_delete ? "yes" : "no"}});
  return host::PolicyWish{
      .on_disruption = verdict.wish.on_disruption,
      .on_delete = verdict.wish.on_delete,
      .freeze_limit = static_cast<int>(verdict.deadline.value_or(std::chrono::seconds(0)).count())};
}

host::AgentAnswer Answers::go_on(const host::WillCreate& question, const Waiting& waiting) {
  constexpr std::chrono::seconds kSoon{1};
  const auto began = steady_clock::now();
  bool told = false;
  bool is_known = false;
  bool is_to_end = false;
  const auto tell = [&](const host::Wait& wait) {
    const auto pod = view_.pod(question.pod.uid);
    is_known = is_known || pod;
    // One that was removed by force is in no list any more, and its create goes on.
    is_to_end = pod ? pod->deleted : is_known && view_.is_in_step();
    if (is_to_end) return false;
    if (!told && wait.is_claimed && steady_clock::now() - began > kSoon) {
      events_.waits(question.pod, wait.reason);
      told = true;
    }
    return waiting(wait);
  };
  auto found = find(question, tell);
  // The kubelet ends it only when this call is over; the next pod goes on instead.
  if (!found && is_to_end) found = host::TryLater{.reason = "the pod is to end"};
  if (!found && found.error().code() != ErrorCode::kGone)
    events_.began_anew(question.pod, found.error().message());
  if (!found)
    found = host::GoOn{.checkpoint = {}, .reason = "it begins anew: " + found.error().message()};
  const auto* later = std::get_if<host::TryLater>(&*found);
  auto* now = std::get_if<host::GoOn>(&*found);
  const auto known = view_.pod(question.pod.uid);
  if (now != nullptr && now->checkpoint.empty())
    now->is_bound =
        is_bound(known ? &*known : nullptr, view_.checkpoints(), question.pod.container);
  if (later != nullptr) events_.waits(question.pod, later->reason);
  std::string why = now != nullptr ? now->reason : "later: " + later->reason;
  if (why.empty()) why = "there is nothing to go on from";
  base::log(
      LogLevel::kInfo, "creation answered",
      {{"pod", question.pod.name_space + "/" + question.pod.pod},
       {"container", question.pod.container.empty() ? "(the sandbox)" : question.pod.container},
       {"checkpoint", now != nullptr ? now->checkpoint.str() : ""},
       {"reason", std::move(why)}});
  return *std::move(found);
}

bool Answers::is_bound(const PodFacts* pod, const std::vector<CheckpointObject>& checkpoints,
                       const std::string& container) {
  if (pod == nullptr) return true;
  if (pod->own.size() < 2 || std::ranges::find(pod->own, container) == pod->own.end()) return false;
  const auto its = std::ranges::find_if(
      checkpoints, [&](const CheckpointObject& one) { return is_claimed_by(one, *pod); });
  return its == checkpoints.end() ||
         std::ranges::find(its->expected, container) != its->expected.end();
}

Result<host::AgentAnswer> Answers::find(const host::WillCreate& question, const Waiting& waiting) {
  const std::string& uid = question.pod.uid;
  if (!question.pod.container.empty()) {
    const auto ran = has_run(question.key);
    if (!ran) return later(uid, nullptr, ran.error().message());
    // Whatever it did there would be done again, on files that have it already.
    if (*ran)
      return host::AgentAnswer(
          host::GoOn{.checkpoint = {}, .reason = "it has run in this pod before"});
  }
  const auto pod = REPRISE_PASS(await_in(view_, steady_clock::now() + kPodPatience, waiting,
                                         {.reason = "the agent does not know the pod yet"},
                                         [&] { return view_.pod(uid); }));
  if (!pod && !view_.is_in_step()) return later(uid, nullptr, kOutOfStep);
  if (!pod) return base::fail(ErrorCode::kNotFound, "the agent does not know the pod");
  auto found = find_for(*pod, question, waiting);
  if (found && !std::holds_alternative<host::TryLater>(*found)) holds_.release(uid);
  return found;
}

Result<host::AgentAnswer> Answers::find_for(const PodFacts& pod, const host::WillCreate& question,
                                            const Waiting& waiting) {
  const bool is_sandbox = question.pod.container.empty();
  if (is_sandbox && !pod.has_run) tell_hooks(pod, question.pod);
  // Nobody has left anything for it.
  if (!pod.lineage || (is_sandbox && (pod.has_run || pod.deleted)))
    return host::AgentAnswer(host::GoOn{});
  const auto knows =
      REPRISE_PASS(await_in(view_, steady_clock::now() + kStepPatience, waiting,
                            {.reason = "the agent does not know all Checkpoints yet"}, [&] {
                              return view_.is_in_step() ? std::optional(true) : std::nullopt;
                            }));
  if (!knows) return later(pod.uid, &pod, kOutOfStep);
  if (const auto wait = REPRISE_PASS(await_predecessor(pod, waiting)))
    return host::AgentAnswer(*wait);
  if (is_sandbox) return prepare(pod, waiting);
  // From here on the wrapper tries later where we take too long, rather than lose what is there: on
  // a node on which twenty pods were made at once some had no answer within its patience. One that
  // is tried once cannot.
  if (!pod.is_tried_once && has_some(pod, question.pod.container) &&
      !waiting({.reason = "what it goes on from is being claimed", .is_claimed = true}))
    return gone();
  const auto claimed = claim(pod, question.pod.container);
  // There is something, and whether it is the pod's nobody knows.
  if (!claimed) return later(pod.uid, &pod, claimed.error().message());
  if (!*claimed) return host::AgentAnswer(host::GoOn{});
  const auto settled = REPRISE_PASS(await(**claimed, pod, question.pod.container, waiting));
  if (const auto* wait = std::get_if<host::TryLater>(&settled)) return host::AgentAnswer(*wait);
  const auto& ready = std::get<CheckpointObject>(settled);
  const SavedContainer* saved = ready.find(question.pod.container);
  if (ready.phase != Phase::kClaimable && ready.phase != Phase::kConsumed) saved = nullptr;
  if (saved == nullptr || saved->checkpoint.empty())
    return base::fail(ErrorCode::kNotFound,
                      "'" + ready.full_name() + "' came to nothing: " + ready.message);
  if (saved->resumed)
    return host::AgentAnswer(
        host::GoOn{.checkpoint = {}, .reason = "it went on already, and ended"});
  if (const std::string anew = REPRISE_PASS(who_began_anew(ready, question)); !anew.empty()) {
    give_up(ready, pod, anew);
    return base::fail(ErrorCode::kNotFound, anew);
  }
  if (ready.node != node_)
    if (auto wait = REPRISE_PASS(fetch(ready, pod, waiting)))
      return host::AgentAnswer(*std::move(wait));
  const auto taken = take_over(ready, *saved, pod, question.key);
  if (!taken && taken.error().code() != ErrorCode::kGone &&
      taken.error().code() != ErrorCode::kDenied)
    return later(pod.uid, &pod, taken.error().message());
  REPRISE_PASS(taken);
  return host::AgentAnswer(host::GoOn{
      .checkpoint = saved->checkpoint,
      .reason = "it goes on from '" + ready.full_name() + "' of pod '" + ready.pod + "'"});
}

// A pod in its place that claimed it, and is gone; its node's agent lets go of it, or nobody can.
Result<std::optional<host::TryLater>> Answers::await_predecessor(const PodFacts& pod,
                                                                 const Waiting& waiting) {
  constexpr std::chrono::seconds kRelease{15};
  if (pod.has_run || pod.deleted) return std::nullopt;
  std::string held;
  const auto is_free = [&]() -> std::optional<bool> {
    const auto all = view_.checkpoints();
    const auto its = std::ranges::find_if(
        all, [&](const CheckpointObject& one) { return is_claimed_by_predecessor(one, pod); });
    if (its == all.end()) return true;
    held = "'" + its->full_name() + "' is still that of pod '" + its->claimed_by->pod +
           "' which was here before, and node '" + its->claimed_by->node +
           "' does not tell what became of it";
    return std::nullopt;
  };
  const auto free = REPRISE_PASS(
      await_in(view_, steady_clock::now() + kRelease, waiting, {.reason = kPredecessors}, is_free));
  if (!free) return std::optional(REPRISE_PASS(later(pod.uid, &pod, held)));
  const auto all = view_.checkpoints();
  const CheckpointObject* lost = lost_of_place(all, pod);
  if (lost == nullptr) return std::nullopt;
  const std::string why = "'" + lost->full_name() + "' is lost: " + lost->message;
  if (!pod.fails_rather) return base::fail(ErrorCode::kNotFound, why);
  return std::optional(host::TryLater{.reason = why + "; it begins anew when that is deleted"});
}

void Answers::tell_hooks(const PodFacts& pod, oci::PodContainer of) {
  for (const std::string& name : pod.with_pre_stop) {
    of.container = name;
    events_.pre_stop_runs(of);
  }
}

Result<host::AgentAnswer> Answers::prepare(const PodFacts& pod, const Waiting& waiting) {
  constexpr std::chrono::seconds kSoonHere{20};
  const auto claimed = claim(pod, "");
  if (!claimed) return later(pod.uid, &pod, claimed.error().message());
  if (*claimed && (*claimed)->node != node_ && (*claimed)->phase == Phase::kClaimable)
    if (auto later = REPRISE_PASS(fetch(**claimed, pod, waiting, kSoonHere)))
      return host::AgentAnswer(*std::move(later));
  return host::AgentAnswer(host::GoOn{});
}

Result<std::variant<CheckpointObject, host::TryLater>> Answers::await(
    const CheckpointObject& checkpoint, const PodFacts& pod, const std::string& container,
    const Waiting& waiting) {
  const auto settled = [&]() -> std::optional<CheckpointObject> {
    auto now = view_.checkpoint(checkpoint.uid);
    if (now && now->phase == Phase::kPromised) return std::nullopt;
    if (!now) now = checkpoint;  // removed: nothing of it is there
    return now;
  };
  const host::Wait wait{
      .reason = "container '" + container + "' is being saved on node '" + checkpoint.node + "'",
      .is_claimed = true};
  auto now =
      REPRISE_PASS(await_in(view_, steady_clock::now() + kCreatePatience, waiting, wait, settled));
  if (now) return *std::move(now);
  // Its preStop may take long. One that is tried once only begins anew.
  if (!pod.is_tried_once) return host::TryLater{.reason = wait.reason};
  give_up(checkpoint, pod, "it was not saved in time");
  return base::fail(ErrorCode::kBusy, "'" + checkpoint.full_name() + "' was not there in time");
}

Result<std::optional<host::TryLater>> Answers::fetch(const CheckpointObject& checkpoint,
                                                     const PodFacts& pod, const Waiting& waiting,
                                                     milliseconds enough) {
  constexpr milliseconds kPace{20};
  const auto deadline = steady_clock::now() + kCreatePatience;
  const auto not_opened = [&](const std::string& why) -> Result<std::optional<host::TryLater>> {
    let_go(checkpoint, pod);
    return std::optional(REPRISE_PASS(later(pod.uid, &pod, why)));
  };
  if (const auto opens = check_key(checkpoint); !opens) return not_opened(opens.error().message());
  for (;;) {
    const FetchState state = fetches_.fetch(checkpoint);
    if (state.kind == FetchState::Kind::kDone || (state.left && *state.left < enough))
      return std::nullopt;
    if (state.is_other_key) return not_opened(state.words);
    if (state.kind == FetchState::Kind::kFailed) {
      if (pod.fails_rather) return host::TryLater{.reason = state.words};
      give_up(checkpoint, pod, state.words);
      return base::fail(ErrorCode::kBusy, state.words);
    }
    if (steady_clock::now() >= deadline) return host::TryLater{.reason = state.words};
    if (!waiting({.reason = state.words, .is_claimed = true})) return gone();
    std::this_thread::sleep_for(kPace);
  }
}

Result<host::TryLater> Answers::later(const std::string& uid, const PodFacts* pod,
                                      const std::string& why) {
  const bool fails_rather = pod != nullptr && pod->fails_rather;
  const bool begins_rather = pod != nullptr && pod->begins_rather;
  if (fails_rather || (!begins_rather && holds_.may_hold(uid, steady_clock::now())))
    return host::TryLater{.reason = why};
  return base::fail(ErrorCode::kBusy, why);
}

void Answers::note(const host::Created& created) {
  const bool is_anew = created.failed.starts_with(host::kBeginsAnew);
  if (!created.failed.empty())
    base::log(LogLevel::kWarn,
              is_anew ? "a container could not go on" : "a container was not created",
              {{"pod", created.pod.name_space + "/" + created.pod.pod},
               {"container", created.pod.container},
               {"error", created.failed}});
  if (is_anew) events_.began_anew(created.pod, created.failed.substr(host::kBeginsAnew.size()));
  if (created.resumed.empty()) return;
  for (const CheckpointObject& one : view_.checkpoints()) {
    if (!one.claimed_by || one.claimed_by->uid != created.pod.uid) continue;
    const auto changed = change_status(client_, view_, one, [&](CheckpointObject& now) {
      return set_resumed(now, created.pod.container, created.resumed);
    });
    base::warn_and_ignore(changed, "a Checkpoint is not known to be consumed");
    const SavedContainer* saved = one.find(created.pod.container);
    if (saved != nullptr && saved->checkpoint == created.resumed) events_.goes_on(created.pod, one);
  }
}

}  // namespace reprise::daemon
