// SPDX-License-Identifier: Apache-2.0
//
// Podman's volumes among a container's mounts, and the list of those that a checkpoint holds.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "oci/spec.h"

namespace reprise::container {

struct Volume {
  std::string name;
  std::filesystem::path directory;        // on the host, with all of its contents
  std::vector<std::string> destinations;  // in the container
};

// Sorted by name. In the specification a volume is a bind mount like any other; what tells it is
// where it lies: beside the bundle's own directory, at STORAGE/volumes/NAME/_data. So volumes below
// another `volume_path` (containers.conf) and those of other drivers are not found.
std::vector<Volume> podman_volumes(const oci::Spec& spec, const std::filesystem::path& bundle);

// A volume in a checkpoint.
struct SavedVolume {
  std::string name;
  std::vector<std::string> destinations;
  std::string part;  // the archive of its contents
  // Of a volume of a pod (pod_volumes.h): the pod's UID, and when its container stood still for the
  // copy, in milliseconds. Others may have copies as well.
  std::string pod{};
  base::UnixMillis taken = 0;
  bool operator==(const SavedVolume&) const = default;
};
std::string encode_volumes(const std::vector<SavedVolume>& volumes);
// kCorrupt for text that is no such list.
base::Result<std::vector<SavedVolume>> decode_volumes(std::string_view text);

}  // namespace reprise::container
