// SPDX-License-Identifier: Apache-2.0
//
// The files of /proc that a container is not to read.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace reprise::engine {

// Has a restore from the images in this directory mask them by the container's own /dev/null, as
// runc does when it creates a container: else it would be the host's, and root in the container
// could change the rights of that. Changes the images in place. kCorrupt for damaged images.
base::Result<void> mask_by_own_device(const std::filesystem::path& images);

}  // namespace reprise::engine
