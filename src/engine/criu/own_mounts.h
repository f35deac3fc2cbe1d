// SPDX-License-Identifier: Apache-2.0
//
// Mounts that runc has CRIU save as mounts from outside, though they are the container's own:
// masked files of /proc, and the directories of its cgroups.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/criu/config.h"
#include "image/criu_own_mounts.h"

namespace reprise::engine {

// Has a restore from the images in this directory mask files by the container's own /dev/null, as
// runc does when it creates a container: else it would be the host's, and root in the container
// could change the rights of that. Changes the images in place. kCorrupt for damaged images.
//
// Likewise the mounts of cgroup v1's directories below `cgroup_mounts` (destinations): returns
// them, for restore_config(), and with them those of `elsewhere`, mounts from outside that come
// from another place on the host than runc says.
base::Result<OutsideMounts> mount_own(const std::filesystem::path& images,
                                      const std::vector<std::string>& cgroup_mounts,
                                      const image::Rename& container,
                                      const OutsideMounts& elsewhere);

}  // namespace reprise::engine
