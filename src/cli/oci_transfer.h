// SPDX-License-Identifier: Apache-2.0
//
// `checkpoint push` and `pull` to and from an OCI image layout, or an archive of one.
#pragma once

#include <string>

#include "cli/command.h"
#include "session/archive_import.h"
#include "session/oci_layout.h"

namespace reprise::cli {

// Adds the checkpoint to the layout, or makes the archive, as an image that Podman can restore.
Result<session::OciWritten> push_image(Context& context, const std::string& checkpoint,
                                       const std::string& place);
// Makes a checkpoint of an image there.
Result<session::ImportedCheckpoint> pull_image(Context& context, const std::string& place);

}  // namespace reprise::cli
