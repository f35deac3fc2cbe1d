// SPDX-License-Identifier: Apache-2.0
#include "container/mount_sources.h"

#include <sys/stat.h>

#include <cerrno>

namespace reprise::container {

std::vector<Obstacle> missing_sources(const OciSpec& spec) {
  std::vector<Obstacle> found;
  for (const SpecMount& mount : spec.mounts) {
    struct stat status{};
    if (mount.type != "bind" || ::lstat(mount.source.c_str(), &status) == 0 || errno != ENOENT)
      continue;
    found.push_back({"the mount '" + mount.destination + "'",
                     "comes from '" + mount.source + "', which is gone from the host",
                     "put it back before the next start"});
  }
  return found;
}

}  // namespace reprise::container
