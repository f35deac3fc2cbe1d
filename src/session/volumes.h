// SPDX-License-Identifier: Apache-2.0
//
// Volumes as parts of a checkpoint: docs/design/0001-volumes.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "container/volumes.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// Copies the contents of a pod's volumes (pod_volumes.h) into the checkpoint, and with kAll those
// of Podman's. The container's tasks stand still; those of other containers with the same volume
// may write.
enum class Volumes : std::uint8_t { kOfPod, kAll };
base::Result<void> capture_volumes(store::CheckpointWriter& writer, const oci::Spec& spec,
                                   const std::filesystem::path& bundle, Volumes which);

// What the checkpoint holds; empty if it holds none.
base::Result<std::vector<container::SavedVolume>> saved_volumes(store::CheckpointReader& reader);

// Gives the volumes of a container that was made for this checkpoint the contents that they had,
// and keeps what they hold aside, as the journal says. Volumes that have these contents already are
// left alone.
base::Result<void> fill_volumes(store::CheckpointReader& reader, const oci::Spec& spec,
                                const Context& context);
// Where that lies: on the volume's file system, so that moving is renaming, and gone when the
// volume is removed.
std::filesystem::path aside_of(const container::Volume& volume, const base::SessionId& session);

}  // namespace reprise::session
