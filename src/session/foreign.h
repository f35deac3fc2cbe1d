// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints that others had in hands: imported, pulled, or of unknown origin.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "oci/spec.h"
#include "session/context.h"
#include "store/checkpoint_store.h"
#include "vetting/rules.h"

namespace reprise::session {

// Compares the images in the spool with what the new container may have, unless a session of this
// host made the checkpoint, and looks into its file trees; gives its tasks the container's own
// seccomp filter. Fails as vetting::vet_images(), with nothing changed. Returns what
// check_foreign_places() is to look at.
base::Result<std::vector<vetting::MadePlace>> vet_foreign(Context& context,
                                                          store::CheckpointReader& reader,
                                                          const std::filesystem::path& images);

// When the container's files are in place.
base::Result<void> check_foreign_places(const std::vector<vetting::MadePlace>& places,
                                        const oci::Spec& spec);

}  // namespace reprise::session
