// SPDX-License-Identifier: Apache-2.0
#include "policy/kill.h"

#include <csignal>

namespace reprise::policy {

using std::chrono::milliseconds;

KillDecision decide_kill(const KillFacts& facts) {
  if (facts.signal == SIGKILL) {
    KillDecision decision{.action = KillAction::kKill};
    // It ends them with the container: nobody need begin now, but who has begun is to finish.
    if (facts.has_process) decision.members_may_begin = milliseconds{0};
    return decision;
  }
  if (!facts.wish || facts.signal != facts.wish->signal) return {.action = KillAction::kDeliver};
  if (facts.wish->checkpoint) return {.action = KillAction::kCheckpoint};
  return {.action = KillAction::kDeliver, .members_may_begin = kMembersMayBegin};
}

std::chrono::seconds longest_hold(std::chrono::seconds freeze_limit) {
  constexpr std::chrono::seconds kBeyondFreeze{30};
  return freeze_limit + kBeyondFreeze;
}

bool await_members_further(const MembersFacts& facts) {
  if (facts.members == Members::kNone || facts.waited >= facts.limit) return false;
  return facts.members != Members::kQuiet || facts.quiet < facts.may_begin;
}

HeldKill decide_held_kill(SessionLock lock, Container container) {
  if (container == Container::kGone) return HeldKill::kNothing;
  return lock == SessionLock::kFreed ? HeldKill::kKill : HeldKill::kKillInSession;
}

Instead decide_checkpoint(SessionLock lock, Container container) {
  if (lock == SessionLock::kBusy) return Instead::kDeliverInSession;
  if (lock == SessionLock::kUnknown) return Instead::kDeliver;
  const bool ended = container == Container::kEnded || container == Container::kGone;
  return ended ? Instead::kNothing : Instead::kBegin;
}

}  // namespace reprise::policy
