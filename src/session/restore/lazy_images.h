// SPDX-License-Identifier: Apache-2.0
//
// The images of a restore after which the container runs before its memory is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>

#include "base/result.h"
#include "image/criu_pagemap.h"
#include "pager/images.h"
#include "session/context.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

// A restore of which most memory comes later.
struct LazyPlan {
  sys::FileLock hold;                                    // on the checkpoint, for the pager
  std::map<std::uint32_t, image::CriuPagemap> pagemaps;  // by process
};

// If it was asked for, and can be, on this kernel and from this checkpoint. If it cannot, the log
// says why. Where an earlier attempt from this checkpoint has failed, this one has all memory
// first, whatever the reason was. Nothing is written.
std::optional<LazyPlan> plan_laziness(Context& context, const Requested& requested,
                                      store::CheckpointReader& reader);

// As PageSource::materialize(), but of memory that comes later there are holes. Reads nothing of
// that.
base::Result<std::filesystem::path> materialize_lazily(store::CheckpointReader& reader,
                                                       const LazyPlan& plan);

// Small images of the checkpoint, from the store. `reader` outlives it.
pager::ReadImage image_reader(store::CheckpointReader& reader);

}  // namespace reprise::session
