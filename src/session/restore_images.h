// SPDX-License-Identifier: Apache-2.0
//
// CRIU's images of a checkpoint, made fit for this restore, and why they could not be restored.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "engine/engine.h"
#include "oci/spec.h"

namespace reprise::session {

// Mounts from outside are bound to what is there now, also where the source was replaced while the
// container ran.
base::Result<void> mend_mounts(const std::filesystem::path& images);

// Why a restore failed, by the engine's log: a file outside of the checkpoint that is not as it was
// is named as it is found on the host, with what to do; else as engine::Engine::with_cause().
base::Error cause_of_failure(base::Error error, const engine::Engine& engine,
                             const oci::Spec& spec);

}  // namespace reprise::session
