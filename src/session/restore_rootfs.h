// SPDX-License-Identifier: Apache-2.0
//
// The root file system of a container that is restored.
#pragma once

#include "base/result.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Sees to it that the container's files are those of the checkpoint. Where it is the container that
// was checkpointed they are in place, and with the inode numbers that databases and log shippers
// remember; one that was made anew gets them. After a failure, undo_rootfs().
base::Result<void> prepare_rootfs(store::CheckpointReader& reader, const oci::Spec& spec,
                                  const Context& context);

// No restored task runs: a cold start finds the image's files.
base::Result<void> undo_rootfs(const Context& context);

// The container runs: what it was made with is not needed any more. Logs what fails.
void keep_rootfs(const Context& context);

}  // namespace reprise::session
