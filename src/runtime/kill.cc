// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "host/identity.h"
#include "oci/annotations.h"
#include "oci/state.h"
#include "policy/kill.h"
#include "runtime/call.h"
#include "runtime/checkpoint_attempt.h"
#include "runtime/key.h"
#include "runtime/killed.h"
#include "runtime/pod.h"
#include "sys/file_lock.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;

namespace {

struct Target {
  host::Identity who;
  int signal = SIGTERM;
};

// `kill [--all] ID [SIGNAL]`.
Result<Target> parse_target(const Call& call) {
  constexpr std::array<std::string_view, 0> kNoValued{};
  const auto words = call.arguments.positional(kNoValued);
  if (words.empty()) return base::fail(ErrorCode::kInvalidInput, "no container named");
  const base::ContainerId id = REPRISE_PASS(base::ContainerId::parse(words[0]));
  Target target{.who = host::identify(call.arguments.state_globals(), id)};
  if (words.size() > 1) target.signal = REPRISE_PASS(sys::parse_signal(words[1]));
  return target;
}

Result<oci::State> load_state(const Call& call, const Target& target) {
  return call.runtime().state_of(target.who.id);
}

// What the container's annotations ask for; nullopt while that is not known.
std::optional<oci::Wishes> wishes_of(const Result<oci::State>& state) {
  if (!state) return std::nullopt;
  const auto wishes = oci::parse_wishes(state->annotations);
  return wishes ? std::optional(*wishes) : std::nullopt;
}

std::chrono::seconds hold_limit(const std::optional<oci::Wishes>& wishes) {
  return policy::longest_hold(wishes.value_or(oci::Wishes()).freeze_limit);
}

policy::Container container_in(const Result<oci::State>& state) {
  if (!state)
    return state.error().code() == ErrorCode::kNotFound ? policy::Container::kGone
                                                        : policy::Container::kUnknown;
  return sys::is_alive(state->init) ? policy::Container::kRuns : policy::Container::kEnded;
}

// Also while it cannot be asked for.
Result<sys::FileLock> wait_for_lock(const std::filesystem::path& file, milliseconds patience) {
  constexpr milliseconds kPoll{100};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    auto lock = sys::FileLock::lock(file, std::max(left, milliseconds(0)));
    if (lock || lock.error().code() == ErrorCode::kBusy || left <= kPoll) return lock;
    std::this_thread::sleep_for(kPoll);
  }
}

policy::SessionLock found(const Result<sys::FileLock>& lock) {
  if (lock) return policy::SessionLock::kFreed;
  return lock.error().code() == ErrorCode::kBusy ? policy::SessionLock::kBusy
                                                 : policy::SessionLock::kUnknown;
}

policy::Members look_at_members(const Call& call, pid_t keeper) {
  const auto members = call.layout.members_of(keeper);
  if (!members) return policy::Members::kUnknown;
  if (members->empty()) return policy::Members::kNone;
  const auto in_session = [&](const auto& m) { return call.layout.is_in_session(m); };
  return std::ranges::any_of(*members, in_session) ? policy::Members::kInSession
                                                   : policy::Members::kQuiet;
}

// `may_begin`: for sessions of members to begin.
void await_members(const Call& call, pid_t keeper, milliseconds may_begin) {
  constexpr milliseconds kPoll{10};
  using Clock = std::chrono::steady_clock;
  const Clock::time_point began = Clock::now();
  Clock::time_point quiet_since = began;
  for (;;) {
    const policy::Members members = look_at_members(call, keeper);
    const Clock::time_point now = Clock::now();
    if (members != policy::Members::kQuiet) quiet_since = now;
    const auto since = [&](Clock::time_point then) {
      return std::chrono::duration_cast<milliseconds>(now - then);
    };
    if (!policy::await_members_further({.members = members,
                                        .quiet = since(quiet_since),
                                        .may_begin = may_begin,
                                        .waited = since(began),
                                        .limit = policy::longest_hold(oci::Wishes().freeze_limit)}))
      return;
    std::this_thread::sleep_for(kPoll);
  }
}

int kill_now(const Call& call, const Target& target) {
  note_kill(call, target.who);
  return pass_through(call);
}

int hold_then_kill(const Call& call, const Target& target, std::chrono::seconds limit) {
  const auto lock_file = call.layout.lock_of(target.who);
  // No lock file: this container never had a session on this boot.
  std::error_code unknown;
  if (!std::filesystem::exists(lock_file, unknown) && !unknown) return kill_now(call, target);
  // The descriptor is close-on-exec: no lock is left behind.
  Result<sys::FileLock> lock = sys::FileLock::try_lock(lock_file);
  if (lock) return kill_now(call, target);
  lock = wait_for_lock(lock_file, limit);
  switch (policy::decide_held_kill(found(lock), container_in(load_state(call, target)))) {
    case policy::HeldKill::kNothing:
      return 0;
    case policy::HeldKill::kKillInSession:
      tell_caller(call, Severity::kWarning, "a session did not end in time, killing the container");
      break;
    case policy::HeldKill::kKill:
      break;
  }
  return kill_now(call, target);
}

int checkpoint_instead(const Call& call, const Target& target, std::chrono::seconds limit) {
  if (!call.layout.create()) return pass_through(call);
  const auto lock = sys::FileLock::lock(call.layout.lock_of(target.who), limit);
  // Anew: it may have ended while another session had the lock.
  const Result<oci::State> state = load_state(call, target);
  switch (policy::decide_checkpoint(found(lock), container_in(state))) {
    case policy::Instead::kNothing:
      return 0;
    case policy::Instead::kDeliverInSession:
      tell_caller(call, Severity::kWarning,
                  "a session did not end in time, no checkpoint, the signal is delivered");
      return pass_through(call);
    case policy::Instead::kDeliver:
      return pass_through(call);
    case policy::Instead::kBegin:
      break;
  }
  if (const auto started = begin_checkpoint(call, target.who, state, target.signal, *lock);
      !started) {
    tell_caller(call, Severity::kError,
                "no checkpoint, the signal is delivered: " + started.error().message());
    return pass_through(call);
  }
  return 0;
}

}  // namespace

int kill(const Call& call) {
  const Result<Target> target = parse_target(call);
  if (!target) return pass_through(call);
  settle_abandoned(call);
  const auto state = load_state(call, *target);
  policy::KillFacts facts{.signal = target->signal, .has_process = state.has_value()};
  const auto wishes = wishes_of(state);
  if (wishes) {
    const bool wanted = is_checkpoint_wanted(call, target->who, *state, *wishes, target->signal);
    facts.wish = {.signal = wanted ? target->signal : wishes->stop_signal, .checkpoint = wanted};
  }
  const policy::KillDecision decision = policy::decide_kill(facts);
  if (decision.members_may_begin) await_members(call, state->init.pid, *decision.members_may_begin);
  switch (decision.action) {
    case policy::KillAction::kDeliver:
      return pass_through(call);
    case policy::KillAction::kCheckpoint:
      return checkpoint_instead(call, *target, hold_limit(wishes));
    case policy::KillAction::kKill:
      break;
  }
  return hold_then_kill(call, *target, hold_limit(wishes));
}

}  // namespace reprise::runtime
