// SPDX-License-Identifier: Apache-2.0
//
// Keeps what restored programs wait for from being lost with a pager that is killed.
//
// Three processes share one table of descriptors (CLONE_FILES), so that a userfaultfd stays open as
// long as one of them lives, also one that the kernel made a moment ago for a fork: the keeper,
// which starts the pager and whoever comes after it; a spare, which takes the keeper's place; and
// the pager. Keeper and spare do nothing else: they open nothing, have no threads and little
// memory.
#pragma once

#include <functional>

#include "base/result.h"
#include "pager/journal.h"

namespace reprise::pager {

struct CrewPlan {
  // The pager: runs in a process of its own until the journal's phase is over. One that returns
  // before that, or is killed, is followed by another where that can go on.
  std::function<void()> pager;
  // Of the last keeper, when the phase is over and the pager has ended. Where it is kLost, ends the
  // programs: they have got no zeros instead of what they miss, since the descriptors are open
  // until this returns. Done again by a spare that takes over in the middle of it.
  std::function<void(Phase phase)> finish;
  unsigned most_pagers = 10;
};

// Runs as the keeper until the journal's phase is over, and no process of the crew is left but the
// caller, or the spare that took its place. Must be called without threads, and by who has open no
// more than the pagers are to have: each closes what is above `first_own_fd` and not in the
// journal.
void keep(Journal& journal, const CrewPlan& plan, int first_own_fd);

}  // namespace reprise::pager
