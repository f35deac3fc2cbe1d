// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "oci/annotations.h"
#include "operations/diagnosis/findings.h"

namespace reprise::operations {
namespace {

Finding judge_mount(const podman::Mount& mount, bool volumes_included) {
  if (mount.type == "bind")
    return {
        Health::kInfo, "mount '" + mount.destination + "'",
        "is '" + mount.source + "' of this host, which is never part of a checkpoint",
        "a restore needs it as it is now; use a volume for what must go back with the container"};
  if (volumes_included)
    return {Health::kOk,
            "volume '" + mount.name + "'",
            "its contents at '" + mount.destination + "' are part of checkpoints",
            {}};
  return {Health::kInfo, "volume '" + mount.name + "'",
          "its contents at '" + mount.destination +
              "' are not part of checkpoints, and a clone shares it",
          "make the container with --annotation reprise.dev/volumes=include"};
}

}  // namespace

std::vector<Finding> check_files(const podman::ContainerInfo& info) {
  const auto wishes = oci::parse_wishes(info.annotations);
  if (!wishes)
    return {{Health::kFail, "annotation", wishes.error().message(), wishes.error().hint()}};
  std::vector<Finding> findings;
  for (const podman::Mount& mount : info.mounts)
    if (mount.type == "bind" || mount.type == "volume")
      findings.push_back(judge_mount(mount, wishes->include_volumes));
  findings.push_back({Health::kInfo, "inode numbers",
                      "stay over stop and start, and are new in a container made again or cloned",
                      "programs that compare them (SQLite with a rollback journal) must reopen "
                      "their files there"});
  return findings;
}

}  // namespace reprise::operations
