// SPDX-License-Identifier: Apache-2.0
//
// The end of a restore: the moment from which the container runs, and what is taken back where it
// does not come. Apart from the session because its guard does the same when the session was
// killed.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The moment after which the container stays, whoever is killed: consumes the claim, and only then
// lets the tasks run. Connections that cannot go on from this address say so at once, and packets
// from outside come in again. `network`: the namespace that was there before the restore, or empty.
// After an error no task has run, and the restore must be undone.
base::Result<void> let_go(Context& context, store::CheckpointReader& reader,
                          const std::filesystem::path& network);

// For whoever finds that the session was killed after it had consumed the claim: lets the tasks
// run, and the rest of let_go(). An error tells that nothing was done, since it is not known what
// was.
base::Result<void> finish_letting_go(Context& context);

// The container runs: removes what was kept in case that it would not. Logs what fails.
void settle_restored(const Context& context);

}  // namespace reprise::session
