// SPDX-License-Identifier: Apache-2.0
//
// The end of a restore: the moment from which the container runs, and what is taken back where it
// does not come. Apart from the session because its guard does the same when the session was
// killed.
#pragma once

#include "base/result.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// The moment after which the container stays, whoever is killed: consumes the claim, and only then
// lets the tasks run, by finish_letting_go(). After an error no task has run, and the restore must
// be undone.
base::Result<void> let_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader);

// The claim is consumed: connections that cannot go on from this address say so at once, packets
// from outside come in again, and the tasks run. Also for whoever finds that the session was killed
// in the middle of it. Logs what fails.
void finish_letting_go(const oci::Spec& spec, Context& context, store::CheckpointReader& reader);

// The container runs: removes what was kept in case that it would not. Logs what fails.
void settle_restored(const Context& context);

}  // namespace reprise::session
