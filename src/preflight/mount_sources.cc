// SPDX-License-Identifier: Apache-2.0
#include "preflight/mount_sources.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "oci/spec.h"

namespace reprise::preflight {

std::vector<Obstacle> missing_sources(const oci::Spec& spec) {
  std::vector<Obstacle> found;
  for (const oci::Mount& mount : spec.mounts) {
    struct stat status{};
    if (mount.type != "bind" || ::stat(mount.source.c_str(), &status) == 0 || errno != ENOENT)
      continue;
    found.push_back({"the mount '" + mount.destination + "'",
                     "comes from '" + mount.source + "', which is gone from the host",
                     "put it back before the next start"});
  }
  return found;
}

std::vector<LinkedSource> linked_sources(const oci::Spec& spec) {
  std::vector<LinkedSource> found;
  for (const oci::Mount& mount : spec.mounts) {
    if (mount.type != "bind") continue;
    std::error_code error;
    if (!std::filesystem::is_symlink(mount.source, error)) continue;
    std::filesystem::path target = std::filesystem::canonical(mount.source, error);
    if (!error) found.push_back({mount.destination, std::move(target)});
  }
  return found;
}

}  // namespace reprise::preflight
