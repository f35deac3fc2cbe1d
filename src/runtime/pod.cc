// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "host/agent_link.h"
#include "host/agent_presence.h"
#include "host/unanswered.h"
#include "oci/cri.h"
#include "runtime/key.h"
#include "store/open_catalog.h"

namespace reprise::runtime {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

void tell_unanswered(const Call& call, const Error& error, const char* what) {
  tell_caller(call, Severity::kWarning,
              "the node's agent does not answer (" + error.message() + "), " + what);
}

constexpr const char* kAsking = "asking the node's agent what it goes on from";
constexpr const char* kAskingPolicies = "asking the node's agent what policies want of the pod";

std::string wish_of(const Creation& creation) {
  const auto wish = creation.annotations.find(oci::annotation::kOnRestoreFailure);
  return wish == creation.annotations.end() ? "" : wish->second;
}

// Says each thing once.
std::function<void(const std::string&)> teller(const Call& call) {
  return [&call, told = std::string()](const std::string& reason) mutable {
    if (std::exchange(told, reason) != reason) tell_caller(call, Severity::kInfo, reason);
  };
}

template <typename Answer>
struct Asked {
  Result<Answer> answer;
  host::AgentAbsence absence = host::AgentAbsence::kNone;  // without an answer, and if it matters
};

// An agent that is being upgraded is often back soon. `ask` returns the Result of a question.
template <typename Ask>
auto ask_patiently(const Call& call, bool waits, const std::function<void(const std::string&)>& say,
                   Ask ask) -> Asked<typename decltype(ask())::value_type> {
  constexpr std::chrono::seconds kReturn{20};
  constexpr std::chrono::milliseconds kPause{250};
  const auto deadline = std::chrono::steady_clock::now() + kReturn;
  for (;;) {
    Asked<typename decltype(ask())::value_type> asked{ask()};
    if (asked.answer || asked.answer.error().code() == ErrorCode::kDenied) {
      host::note_agent_there(call.layout);
      return asked;
    }
    if (waits) asked.absence = host::note_agent_away(call.layout);
    if (asked.absence != host::AgentAbsence::kExpected ||
        std::chrono::steady_clock::now() >= deadline)
      return asked;
    say("the node's agent is away, and is waited for");
    std::this_thread::sleep_for(kPause);
  }
}

std::unexpected<Error> away(const Error& why, const char* step) {
  return std::unexpected(
      Error(ErrorCode::kBusy, "the agent of this node is away: " + why.message())
          .with_step(step)
          .with_hint("it is tried again until the agent (reprised) is back, 'kubectl -n "
                     "reprise-system get pods -o wide' shows it; if it stays away, the pod begins "
                     "anew after some minutes, and at once with annotation "
                     "reprise.dev/on-restore-failure: cold"));
}

// On a node that has seen so many since, the pod was not made just now.
constexpr int kRecent = 2000;

Result<bool> has_begun(catalog::Catalog& catalog, const base::KeyName& name) {
  for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives_named(name)))
    if (life.event == catalog::LifeEvent::kStarted || life.event == catalog::LifeEvent::kRestored)
      return true;
  return false;
}

// By this node's history. What it does not tell is not known, and counts as no.
bool is_started_again(const Call& call, const oci::PodContainer& container) {
  const auto there = catalog::Catalog::exists(call.layout.store);
  if (!there || !*there) return false;
  auto catalog = store::open_existing_catalog(call.store);
  if (!catalog) return false;
  const auto begun = has_begun(*catalog, oci::key_name(container));
  return begun && *begun;
}

Result<void> check_whole_by(catalog::Catalog& catalog, const oci::PodContainer& container) {
  const base::KeyName name = oci::key_name(container);
  const std::string own = "@" + name.str();
  const std::string pod = own.substr(0, own.rfind(':') + 1);
  std::string other;
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.sessions(kRecent))) {
    const std::string& key = row.key.str();
    const std::size_t at = key.find(pod);
    if (row.kind != catalog::SessionKind::kRestore || at == std::string::npos ||
        row.status == catalog::SessionStatus::kFailed)
      continue;
    const bool is_own = key.substr(at) == own;
    // The history may lack it, where the worker was killed.
    if (is_own && row.status == catalog::SessionStatus::kOk) return {};
    if (!is_own) other = key.substr(at + pod.size());
  }
  if (other.empty() || REPRISE_PASS(has_begun(catalog, name))) return {};
  return std::unexpected(Error(base::ErrorCode::kUnsupported,
                               "container '" + other +
                                   "' of the pod went on already, beside which it may not begin "
                                   "anew")
                             .with_hint("delete the pod: the next one begins anew, all of it"));
}

}  // namespace

Result<void> settle_pod_key(const Call& call, Creation& creation) {
  const base::KeyName name = oci::key_name(*creation.pod);
  if (name.empty())
    return base::fail(ErrorCode::kInvalidInput, "the annotations name no pod's UID");
  // A restart of the same container: the one before has ended, or still does.
  REPRISE_PASS(oci::annotate(creation.bundle, oci::annotation::kKey, name.str()));
  creation.annotations[oci::annotation::kKey] = name.str();
  return settle_key(call, creation);
}

namespace {

// What its pod's sandbox was told, or says itself.
host::PolicyWish wish_of_sandbox(const Call& call, const Creation& creation) {
  const auto id = base::ContainerId::parse(oci::sandbox_id(creation.annotations));
  const auto state = id ? call.runtime().state_of(*id) : std::unexpected(id.error());
  const auto wishes =
      state ? oci::parse_wishes(state->annotations) : std::unexpected(state.error());
  base::warn_and_ignore(wishes, "what policies want of the pod is not known");
  if (!wishes) return {};
  return {.on_disruption = wishes->checkpoint_on_disruption,
          .on_delete = wishes->checkpoint_on_delete,
          .freeze_limit = static_cast<int>(wishes->freeze_limit.count())};
}

// The sandbox waits for an agent that is away: the pod may be one that a policy selects, and then
// whether it has something to go on from nobody knows. Its containers go by what that was told.
Result<host::PolicyWish> wish_of_policies(const Call& call, const Creation& creation) {
  const bool is_sandbox = creation.pod->kind == oci::PodContainer::Kind::kSandbox;
  const bool waits = is_sandbox && !creation.wishes.opts_in() && wish_of(creation) != "cold";
  const host::WhatIsWished question{
      .container = creation.who.id, .key = creation.key(), .pod = *creation.pod};
  const auto asked = ask_patiently(call, waits, teller(call),
                                   [&] { return host::ask_agent(call.layout, question); });
  if (asked.answer) return *asked.answer;
  const Error& why = asked.answer.error();
  if (asked.absence == host::AgentAbsence::kExpected) return away(why, kAskingPolicies);
  if (waits && why.code() == ErrorCode::kDenied)
    return std::unexpected(Error(why).with_step(kAskingPolicies));
  tell_unanswered(call, why, is_sandbox ? "no policy is heeded" : "what its pod was told counts");
  return is_sandbox ? host::PolicyWish() : wish_of_sandbox(call, creation);
}

}  // namespace

Result<bool> heed_policies(const Call& call, const Creation& creation) {
  std::error_code unknown;
  if (!creation.pod || !std::filesystem::exists(host::policy_flag_of(call.layout), unknown))
    return false;
  const host::PolicyWish wish = REPRISE_PASS(wish_of_policies(call, creation));
  bool changed = false;
  const auto say = [&](const char* name, const std::string& value) -> Result<void> {
    REPRISE_TRY(oci::annotate(creation.bundle, name, value), "heeding a policy of the cluster");
    changed = true;
    return {};
  };
  const auto lacks = [&](const char* name) { return !creation.annotations.contains(name); };
  if (wish.on_disruption && lacks(oci::annotation::kOnDisruption))
    REPRISE_PASS(say(oci::annotation::kOnDisruption, "checkpoint"));
  if (wish.on_delete && lacks(oci::annotation::kOnDelete))
    REPRISE_PASS(say(oci::annotation::kOnDelete, "checkpoint"));
  const bool opts_in = changed || creation.wishes.opts_in();
  // The administrator's is the longest that there is.
  if (opts_in && wish.freeze_limit > 0 &&
      std::chrono::seconds(wish.freeze_limit) < creation.wishes.freeze_limit)
    REPRISE_PASS(say(oci::annotation::kFreezeLimit, std::to_string(wish.freeze_limit)));
  return changed;
}

Result<void> await_agent(const Call& call, Creation& creation) {
  if (!creation.pod) return {};
  const auto say = teller(call);
  const host::WillCreate question{
      .container = creation.who.id, .key = creation.key(), .pod = *creation.pod};
  // What is started again in its pod has nothing to go on from, whoever is away.
  const bool waits = wish_of(creation) != "cold" && !is_started_again(call, *creation.pod);
  const auto asked =
      ask_patiently(call, waits, say, [&] { return host::ask_agent(call.layout, question, say); });
  const auto& answer = asked.answer;
  if (answer && !answer->reason.empty()) tell_caller(call, Severity::kInfo, answer->reason);
  if (answer) {
    creation.may_begin_beside = answer->checkpoint.empty() && !answer->is_bound;
    return {};
  }
  if (answer.error().code() == ErrorCode::kDenied) return std::unexpected(answer.error());
  // Whether there is something to go on from nobody knows.
  if (asked.absence == host::AgentAbsence::kExpected) return away(answer.error(), kAsking);
  if (wish_of(creation) == "fail") return std::unexpected(Error(answer.error()).with_step(kAsking));
  if (creation.pod->kind != oci::PodContainer::Kind::kContainer) return {};
  if (asked.absence == host::AgentAbsence::kOver)
    creation.cold_because = "the node's agent was away for too long";
  tell_unanswered(call, answer.error(), "the container begins anew");
  return {};
}

void tell_agent(const Call& call, const Creation& creation, const base::CheckpointId& resumed,
                const Error* failed) {
  if (!creation.pod) return;
  const auto told = host::tell_agent(
      call.layout, host::Created{.container = creation.who.id,
                                 .key = creation.key(),
                                 .pod = *creation.pod,
                                 .resumed = resumed,
                                 .failed = failed == nullptr ? "" : failed->message()});
  // It finds out by the catalog.
  base::warn_and_ignore(told, "the agent was not told");
}

Result<void> check_pod_whole(const Call& call, catalog::Catalog* catalog,
                             const Creation& creation) {
  if (!creation.pod || creation.may_begin_beside) return {};
  if (catalog != nullptr) return check_whole_by(*catalog, *creation.pod);
  const auto there = catalog::Catalog::exists(call.layout.store);
  if (there && !*there) return {};
  auto opened = store::open_existing_catalog(call.store);
  if (opened) return check_whole_by(*opened, *creation.pod);
  // Without an agent no pod goes on from anything.
  if (!host::is_agent_expected(call.layout.store)) return {};
  return std::unexpected(std::move(opened).error().with_step(
      "finding out whether another container of the pod went on"));
}

bool is_checkpoint_wanted(const Call& call, const host::Identity& who, const oci::State& state,
                          const oci::Wishes& wishes, int signal) {
  const auto pod = oci::pod_container(state.annotations);
  if (!pod) return wishes.checkpoint_on_stop && signal == wishes.stop_signal;
  // The image's stop signal is not in the annotations; nothing but a stop sends one through here.
  const bool opted_in = wishes.checkpoint_on_disruption || wishes.checkpoint_on_delete;
  if (pod->kind == oci::PodContainer::Kind::kSandbox || !opted_in || signal == SIGKILL)
    return false;
  const host::Identity known =
      host::identify(call.arguments.state_globals(), who.id, oci::key_name(state.annotations));
  const host::WillEnd question{
      .container = who.id, .key = known.key, .pod = *pod, .signal = signal};
  const auto answer = host::ask_agent(call.layout, question);
  if (!answer) {
    base::warn_and_ignore(host::note_unanswered(call.layout, question),
                          "nobody will tell that the agent was away");
    tell_unanswered(call, answer.error(), "the signal is delivered");
    return false;
  }
  tell_caller(call, Severity::kInfo,
              (answer->checkpoint ? "checkpoint: " : "no checkpoint: ") + answer->reason);
  return answer->checkpoint;
}

}  // namespace reprise::runtime
