// SPDX-License-Identifier: Apache-2.0
//
// The way in of an archive of Podman's or the kubelet's, wherever it comes from.
#pragma once

#include <string>
#include <vector>

#include "archive/container_dump.h"
#include "archive/tar.h"
#include "base/result.h"
#include "exchange/archive_import.h"
#include "operations/node.h"
#include "operations/progress.h"

namespace reprise::operations {

// Makes a checkpoint of the archive. `tag` may be empty. Warns if the image has the name that the
// archive tells and is another one. kInvalidInput for a tag that is none; else as
// exchange::import_archive().
base::Result<exchange::ImportedCheckpoint> import_checkpoint(const Node& node,
                                                             const archive::ReadBytes& source,
                                                             const std::string& tag,
                                                             Progress& progress);

// Where its container had something mounted that no archive can give it, and that Podman does not
// mount by itself.
std::vector<std::string> mounts_to_give(const archive::ContainerWishes& wishes);

}  // namespace reprise::operations
