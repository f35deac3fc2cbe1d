// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a container that is told to stop, or is killed: decisions over facts that
// somebody else has gathered. Nothing here looks at the world.
//
// What is not known is a fact of its own, and never taken for "no": a SIGKILL waits for a session
// that there may be, but a signal of a container of which nothing is known is delivered, as if we
// were not there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace reprise::policy {

// What a container's annotations ask for.
struct StopWish {
  int signal = 0;           // the one that means "stop"
  bool checkpoint = false;  // instead of it
};

struct KillFacts {
  int signal = 0;
  // Whether the container's first process is known, and so who shares its namespaces.
  bool has_process = false;
  // nullopt: it is not known what the container is, or what its annotations mean.
  std::optional<StopWish> wish;
};

enum class KillAction : std::uint8_t {
  kDeliver,     // the signal, as if we were not there
  kCheckpoint,  // instead of the signal
  kKill,        // once no session runs that it would destroy
};

struct KillDecision {
  KillAction action = KillAction::kDeliver;
  // Wait first for the members of the container's pod, of which a session may begin for so long;
  // nullopt: wait for nobody.
  std::optional<std::chrono::milliseconds> members_may_begin = std::nullopt;
  bool operator==(const KillDecision&) const = default;
};

// `podman pod stop` stops all containers of a pod at once. If the one that keeps the namespaces
// ended first, runc could not checkpoint the others: it wants to find what they joined. So that one
// waits for those that opted in: until they have ended, or for a moment if nobody stops them.
inline constexpr std::chrono::milliseconds kMembersMayBegin{2000};

KillDecision decide_kill(const KillFacts& facts);

// How long a signal is held back for a session, at most: as long as the container may stand still,
// with some room for what comes before and for the rollback.
std::chrono::seconds longest_hold(std::chrono::seconds freeze_limit);

enum class Members : std::uint8_t {
  kUnknown,    // who they are could not be asked
  kNone,       // or all have ended
  kInSession,  // one of them at least
  kQuiet,
};

struct MembersFacts {
  Members members = Members::kUnknown;
  std::chrono::milliseconds quiet{};      // for so long nobody was in a session
  std::chrono::milliseconds may_begin{};  // KillDecision::members_may_begin
  std::chrono::milliseconds waited{};
  std::chrono::milliseconds limit{};
};
// Who is not known is waited for.
bool await_members_further(const MembersFacts& facts);

// The lock that a container's sessions have, after longest_hold() at most.
enum class SessionLock : std::uint8_t {
  kFreed,    // no session runs any more
  kBusy,     // one runs still
  kUnknown,  // it could not be asked for
};

enum class Container : std::uint8_t { kUnknown, kRuns, kEnded, kGone };

// The caller's words, if any, are for its log.
enum class HeldKill : std::uint8_t {
  kKill,
  kKillInSession,  // and say that a session did not end in time
  kNothing,        // checkpointed and gone, which is what was wanted; runc would call it an error
};
// Of a container of which a session ran; without one, there is nothing to decide.
HeldKill decide_held_kill(SessionLock lock, Container container);

enum class Instead : std::uint8_t {
  kBegin,             // a checkpoint, with the lock
  kNothing,           // it has ended, which is what was wanted
  kDeliver,           // the signal
  kDeliverInSession,  // the signal, and say that a session did not end in time
};
// A session that runs already need not be one that ends the container or delivers a signal
// (`reprise checkpoint create`), and whoever asked for this one waits for the end: so it comes
// after that one, if the container lives then.
Instead decide_checkpoint(SessionLock lock, Container container);

}  // namespace reprise::policy
