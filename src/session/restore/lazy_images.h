// SPDX-License-Identifier: Apache-2.0
//
// The images of a restore after which the container runs before its memory is there.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "pager/images.h"
#include "session/context.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

// If it was asked for, and can be, on this kernel and from a checkpoint that a session of this host
// made: a hold on the checkpoint, for the pager. If it cannot, the log says why.
std::optional<sys::FileLock> hold_for_pager(const Context& context, const Requested& requested,
                                            const store::CheckpointReader& reader);

// As PageSource::materialize(), but of memory that comes later there are holes. Reads nothing of
// that.
base::Result<std::filesystem::path> materialize_lazily(store::CheckpointReader& reader);

// Small images of the checkpoint, from the store. `reader` outlives it.
pager::ReadImage image_reader(store::CheckpointReader& reader);

}  // namespace reprise::session
