// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/identity.h"
#include "oci/annotations.h"
#include "oci/state.h"
#include "runtime/call.h"
#include "runtime/checkpoint_attempt.h"
#include "runtime/key.h"
#include "runtime/killed.h"
#include "sys/file_lock.h"
#include "sys/process.h"

namespace reprise::runtime {

using base::ErrorCode;
using base::Result;

namespace {

// A SIGKILL passed through to a container whose checkpoint is being taken would destroy both. It is
// held at most as long as the container may stand still, with some room for what comes before and
// for the rollback.
constexpr std::chrono::seconds kHoldBeyondFreeze{30};

// `podman pod stop` stops all containers of a pod at once. If the one that keeps the namespaces
// ended first, runc could not checkpoint the others: it wants to find what they joined. So that one
// waits for those that opted in: until they have ended, or for a moment if nobody stops them.
constexpr std::chrono::seconds kMembersMayBegin{2};

struct Target {
  host::Identity who;
  int signal = SIGTERM;
};

// `kill [--all] ID [SIGNAL]`.
Result<Target> parse_target(const Call& call) {
  constexpr std::array<std::string_view, 0> kNoValued{};
  const auto words = call.arguments.positional(kNoValued);
  if (words.empty()) return base::fail(ErrorCode::kInvalidInput, "no container named");
  const base::ContainerId id(REPRISE_PASS(base::parse_id(words[0])));
  Target target{.who = host::identify(call.arguments.state_globals(), id)};
  if (words.size() > 1) target.signal = REPRISE_PASS(sys::parse_signal(words[1]));
  return target;
}

Result<oci::State> load_state(const Call& call, const Target& target) {
  return call.runtime().state_of(target.who.id);
}

std::chrono::seconds hold_limit(const Call& call, const Target& target) {
  oci::Wishes wishes;
  if (const auto state = load_state(call, target))
    wishes = oci::parse_wishes(state->annotations).value_or(wishes);
  return wishes.freeze_limit + kHoldBeyondFreeze;
}

// After a session, which may have ended it.
bool has_ended(const Call& call, const Target& target) {
  const auto state = load_state(call, target);
  return state ? !sys::is_alive(state->init) : state.error().code() == ErrorCode::kNotFound;
}

// Also while it cannot be asked for.
Result<sys::FileLock> wait_for_lock(const std::filesystem::path& file,
                                    std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPoll{100};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    auto lock = sys::FileLock::lock(file, std::max(left, std::chrono::milliseconds(0)));
    if (lock || lock.error().code() == ErrorCode::kBusy || left <= kPoll) return lock;
    std::this_thread::sleep_for(kPoll);
  }
}

int kill_now(const Call& call, const Target& target) {
  note_kill(call, target.who);
  return pass_through(call);
}

int hold_then_kill(const Call& call, const Target& target) {
  const auto lock_file = call.layout.lock_of(target.who);
  // No lock file: this container never had a session on this boot.
  std::error_code unknown;
  if (!std::filesystem::exists(lock_file, unknown) && !unknown) return kill_now(call, target);
  Result<sys::FileLock> lock = sys::FileLock::try_lock(lock_file);
  if (lock)
    return kill_now(call, target);  // the descriptor is close-on-exec: no lock is left behind
  lock = wait_for_lock(lock_file, hold_limit(call, target));
  if (!lock)
    tell_caller(call, Severity::kWarning, "a session did not end in time, killing the container");
  // Checkpointed and gone, which is what the caller wanted. runc would call it an error.
  const auto state = load_state(call, target);
  if (!state && state.error().code() == ErrorCode::kNotFound) return 0;
  return kill_now(call, target);
}

// `patience`: for sessions of members to begin.
void await_members(const Call& call, pid_t keeper, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPoll{10};
  using Clock = std::chrono::steady_clock;
  const Clock::time_point limit = Clock::now() + oci::Wishes().freeze_limit + kHoldBeyondFreeze;
  Clock::time_point quiet_since = Clock::now();
  for (;;) {
    const auto members = call.layout.members_of(keeper);
    const Clock::time_point now = Clock::now();
    if ((members && members->empty()) || now >= limit) return;
    const auto in_session = [&](const auto& m) { return call.layout.is_in_session(m); };
    // Who is not known is waited for.
    if (!members || std::ranges::any_of(*members, in_session))
      quiet_since = now;
    else if (now - quiet_since >= patience)
      return;
    std::this_thread::sleep_for(kPoll);
  }
}

// A session that runs already need not be one that ends the container or delivers a signal
// (`reprise checkpoint create`), and whoever asked for this one waits for the end: so it comes
// after that one, if the container lives then.
int checkpoint_instead(const Call& call, const Target& target) {
  if (!call.layout.create()) return pass_through(call);
  const auto lock = sys::FileLock::lock(call.layout.lock_of(target.who), hold_limit(call, target));
  if (!lock && lock.error().code() == ErrorCode::kBusy)
    tell_caller(call, Severity::kWarning,
                "a session did not end in time, no checkpoint, the signal is delivered");
  if (!lock) return pass_through(call);
  if (has_ended(call, target)) return 0;
  if (const auto started = begin_checkpoint(call, target.who, target.signal, *lock); !started) {
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
  if (target->signal == SIGKILL) {
    if (state) await_members(call, state->init.pid, std::chrono::milliseconds(0));
    return hold_then_kill(call, *target);
  }
  if (!state) return pass_through(call);
  const auto wishes = oci::parse_wishes(state->annotations);
  if (!wishes || target->signal != wishes->stop_signal) return pass_through(call);
  if (!wishes->checkpoint_on_stop) {
    await_members(call, state->init.pid, kMembersMayBegin);
    return pass_through(call);
  }

  return checkpoint_instead(call, *target);
}

}  // namespace reprise::runtime
