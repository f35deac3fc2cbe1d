// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints to and from an OCI image layout, or an archive of one.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "exchange/archive_import.h"
#include "exchange/oci_layout.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

struct PushedImage {
  exchange::OciWritten written;
  std::vector<std::string> volumes_left_out;  // of which Podman has to be told
};

// Adds the checkpoint to the layout, or makes the archive, as an image that Podman can restore.
// `place` as exchange::parse_oci_place() takes it.
base::Result<PushedImage> push_image(const Node& node, const std::string& checkpoint,
                                     const std::string& place, Progress& progress);
// Makes a checkpoint of an image there.
base::Result<exchange::ImportedCheckpoint> pull_image(const Node& node, const std::string& place,
                                                      Progress& progress);

}  // namespace reprise::operations
