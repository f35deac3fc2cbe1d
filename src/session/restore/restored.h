// SPDX-License-Identifier: Apache-2.0
//
// Last state of a restore: the container's tasks run.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "session/context.h"
#include "session/restore/planned.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

struct Restored {
  std::unique_ptr<store::CheckpointReader> reader;
  pid_t init = 0;  // its first process; 0 where the engine has not told
  std::vector<std::string> lost;
};
// Blocks until the wrapper tells how `runc restore` ended, at most kRestoreLimit; meanwhile does
// what is due at the engine's steps. The claim is consumed before the first task runs. After an
// error none has run, and the restore must be undone.
base::Result<Restored> await_restored(Context& context, const Requested& requested, Planned planned,
                                      Phases& phases);

// Adds what `failed` lists, and logs it. None of that is a reason to end the tasks, who asked for
// other resources than before may lack some; but whoever starts the container is told.
void note_not_given_back(const base::Result<std::vector<std::string>>& failed,
                         std::vector<std::string>& lost);

}  // namespace reprise::session
