// SPDX-License-Identifier: Apache-2.0
//
// Overlays that the engine makes for each start, in a new place and empty: Podman's volumes with
// ":O", and images that are mounted. What the container wrote in them belongs to its checkpoint.
//
// To CRIU such a mount comes from outside. For a restore it is mounted from the new specification,
// for a moment also on the host, where CRIU takes it from.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"

namespace reprise::session {

// In the container, in the order of the specification.
std::vector<std::string> overlay_mounts(const oci::Spec& spec);

// Their changes become parts of the checkpoint.
base::Result<void> capture_overlays(store::CheckpointWriter& writer, const oci::Spec& spec);

// Fills the new ones, and mounts them on the host: where in the container, and where on the host.
// unmount_overlays() is to follow, also after an error.
base::Result<engine::OutsideMounts> mount_overlays(store::CheckpointReader& reader,
                                                   const oci::Spec& spec, const Context& context);

// The container, if it runs, keeps its own. Success if there is none. May be repeated.
base::Result<void> unmount_overlays(const Context& context);

}  // namespace reprise::session
