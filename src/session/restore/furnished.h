// SPDX-License-Identifier: Apache-2.0
//
// Third state of a restore: the memory is in the spool, and the container has its files.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "engine/engine.h"
#include "session/context.h"
#include "session/restore/fitting.h"
#include "session/restore/requested.h"
#include "store/checkpoint_store.h"
#include "sys/file_lock.h"

namespace reprise::session {

struct Furnished {
  std::unique_ptr<store::CheckpointReader> reader;
  std::filesystem::path images;  // for the engine; they live as long as the reader
  // For the pager, where memory comes after the container runs: the checkpoint is not removed.
  std::optional<sys::FileLock> hold;
  std::unique_ptr<engine::Restore> restore;
  engine::OutsideMounts overlays;  // of Podman, as they are mounted for the restore
};
// Reads all of the checkpoint's memory that is restored at once before it touches a file. kDenied
// if a checkpoint that others had in hands asks for more than the container may have.
base::Result<Furnished> furnish(Context& context, const Requested& requested, Fitting fitting,
                                Phases& phases);

}  // namespace reprise::session
