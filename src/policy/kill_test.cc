// SPDX-License-Identifier: Apache-2.0
#include "policy/kill.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <ostream>
#include <string>

namespace reprise::policy {

// Found by gtest.
void PrintTo(const KillDecision& decision, std::ostream* out) {
  constexpr std::array kNames{"deliver", "checkpoint", "kill"};
  *out << kNames.at(static_cast<std::size_t>(decision.action));
  if (decision.members_may_begin)
    *out << ", members may begin for " << decision.members_may_begin->count() << " ms";
}

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::optional<StopWish> kNotKnown;
constexpr std::optional<StopWish> kPlain = StopWish{.signal = SIGTERM, .checkpoint = false};
constexpr std::optional<StopWish> kOptedIn = StopWish{.signal = SIGTERM, .checkpoint = true};

constexpr KillDecision kDeliver{.action = KillAction::kDeliver};
constexpr KillDecision kDeliverLater{.action = KillAction::kDeliver,
                                     .members_may_begin = milliseconds{2000}};
constexpr KillDecision kCheckpoint{.action = KillAction::kCheckpoint};
constexpr KillDecision kKillAtOnce{.action = KillAction::kKill};
constexpr KillDecision kKill{.action = KillAction::kKill, .members_may_begin = milliseconds{0}};

struct KillRow {
  const char* what;
  int signal;
  bool has_process;
  std::optional<StopWish> wish;
  KillDecision decision;
};

const std::array kKills{
    KillRow{"stop of one that opted in", SIGTERM, true, kOptedIn, kCheckpoint},
    KillRow{"stop of one that did not", SIGTERM, true, kPlain, kDeliverLater},
    KillRow{"stop of one of which nothing is known", SIGTERM, false, kNotKnown, kDeliver},
    KillRow{"stop of one whose annotations are not understood", SIGTERM, true, kNotKnown, kDeliver},
    KillRow{"another signal to one that opted in", SIGHUP, true, kOptedIn, kDeliver},
    KillRow{"another signal to one that did not", SIGHUP, true, kPlain, kDeliver},
    KillRow{"another signal to an unknown one", SIGHUP, false, kNotKnown, kDeliver},
    KillRow{"another signal, annotations not understood", SIGHUP, true, kNotKnown, kDeliver},
    KillRow{"a look whether it is there", 0, true, kOptedIn, kDeliver},
    KillRow{"SIGKILL to one that opted in", SIGKILL, true, kOptedIn, kKill},
    KillRow{"SIGKILL to one that did not", SIGKILL, true, kPlain, kKill},
    KillRow{"SIGKILL, annotations not understood", SIGKILL, true, kNotKnown, kKill},
    KillRow{"SIGKILL to one of which nothing is known", SIGKILL, false, kNotKnown, kKillAtOnce},
    KillRow{"the stop signal is another", SIGINT, true, StopWish{SIGINT, true}, kCheckpoint},
    KillRow{"it is another, and did not come", SIGTERM, true, StopWish{SIGINT, true}, kDeliver},
    // Who stops by SIGKILL wants no checkpoint: it is the signal that ends what hangs.
    KillRow{"the stop signal is SIGKILL", SIGKILL, true, StopWish{SIGKILL, true}, kKill},
};

TEST(DecideKill, EveryCaseThatMatters) {
  for (const KillRow& row : kKills)
    EXPECT_EQ(decide_kill({.signal = row.signal, .has_process = row.has_process, .wish = row.wish}),
              row.decision)
        << row.what;
}

TEST(LongestHold, IsTheFreezeAndRoomForTheRest) {
  EXPECT_EQ(longest_hold(seconds{300}), seconds{330});
  EXPECT_EQ(longest_hold(seconds{0}), seconds{30});
}

struct MembersRow {
  const char* what;
  Members members;
  int quiet, may_begin, waited;  // milliseconds, of a limit of 1000
  bool further;
};

constexpr std::array kMembers{
    MembersRow{"nobody is left", Members::kNone, 0, 100, 0, false},
    MembersRow{"one is in a session", Members::kInSession, 0, 100, 0, true},
    MembersRow{"one is, and nobody need begin", Members::kInSession, 0, 0, 0, true},
    MembersRow{"one is, until the limit", Members::kInSession, 0, 100, 999, true},
    MembersRow{"one is, at the limit", Members::kInSession, 0, 100, 1000, false},
    MembersRow{"one is, after it", Members::kInSession, 0, 100, 1001, false},
    MembersRow{"they are not known", Members::kUnknown, 500, 100, 500, true},
    MembersRow{"they are not known, at the limit", Members::kUnknown, 500, 100, 1000, false},
    MembersRow{"one may begin yet", Members::kQuiet, 99, 100, 500, true},
    MembersRow{"nobody has begun", Members::kQuiet, 100, 100, 500, false},
    MembersRow{"nobody need begin", Members::kQuiet, 0, 0, 0, false},
    MembersRow{"one may begin, at the limit", Members::kQuiet, 0, 100, 1000, false},
};

TEST(AwaitMembers, EveryCaseThatMatters) {
  for (const MembersRow& row : kMembers)
    EXPECT_EQ(await_members_further({.members = row.members,
                                     .quiet = milliseconds{row.quiet},
                                     .may_begin = milliseconds{row.may_begin},
                                     .waited = milliseconds{row.waited},
                                     .limit = milliseconds{1000}}),
              row.further)
        << row.what;
}

constexpr std::array kContainers{Container::kUnknown, Container::kRuns, Container::kEnded,
                                 Container::kGone};

// In the order of kContainers.
template <typename Decision>
struct LockRow {
  const char* what;
  SessionLock lock;
  std::array<Decision, 4> decisions;
};

template <typename Rows, typename Decide>
void expect_rows(const Rows& rows, Decide decide) {
  for (const auto& row : rows)
    for (std::size_t i = 0; i < kContainers.size(); ++i)
      EXPECT_EQ(decide(row.lock, kContainers.at(i)), row.decisions.at(i))
          << row.what << ", container " << i;
}

// A zombie that nobody has reaped gets its signal as ever.
TEST(DecideHeldKill, EveryCombination) {
  using enum HeldKill;
  constexpr std::array<LockRow<HeldKill>, 3> kRows{{
      {"no session, any more", SessionLock::kFreed, {kKill, kKill, kKill, kNothing}},
      {"one that runs on",
       SessionLock::kBusy,
       {kKillInSession, kKillInSession, kKillInSession, kNothing}},
      {"not known",
       SessionLock::kUnknown,
       {kKillInSession, kKillInSession, kKillInSession, kNothing}},
  }};
  expect_rows(kRows, &decide_held_kill);
}

TEST(DecideCheckpoint, EveryCombination) {
  using enum Instead;
  constexpr std::array<LockRow<Instead>, 3> kRows{{
      {"no session, any more", SessionLock::kFreed, {kBegin, kBegin, kNothing, kNothing}},
      {"one that runs on",
       SessionLock::kBusy,
       {kDeliverInSession, kDeliverInSession, kDeliverInSession, kDeliverInSession}},
      {"not known", SessionLock::kUnknown, {kDeliver, kDeliver, kDeliver, kDeliver}},
  }};
  expect_rows(kRows, &decide_checkpoint);
}

}  // namespace
}  // namespace reprise::policy
