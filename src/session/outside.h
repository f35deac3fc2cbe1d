// SPDX-License-Identifier: Apache-2.0
//
// Directories of a container that lie outside of its root file system, and what a restore must find
// there again.
#pragma once

#include "base/result.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Notes which volumes and writable directories hold anything. Some system calls for each.
base::Result<void> note_outside(store::CheckpointWriter& writer, const oci::Spec& spec);

// kUnsupported, with a hint, if one that held something is empty now: the disk that was mounted
// there is not, or it is a new volume. Not asked where 'reprise restore' fills or keeps volumes.
base::Result<void> check_outside(store::CheckpointReader& reader, const oci::Spec& spec,
                                 const oci::Wishes& wishes);

}  // namespace reprise::session
