// SPDX-License-Identifier: Apache-2.0
//
// Volumes that live and die with a pod, among the mounts of one of its containers. The kubelet puts
// them into KUBELET/pods/UID/volumes/KIND/NAME, and a part of one (`subPath`) is mounted from
// KUBELET/pods/UID/volume-subpaths/NAME/CONTAINER/NUMBER.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "container/volumes.h"
#include "oci/spec.h"

namespace reprise::container {

// The UID of the pod that the container is of; empty: of none.
std::string pod_uid(const oci::Spec& spec);

// The pod's emptyDirs, whole, sorted by name; `destinations` are those of their parts as well. Only
// what lies in the directory of this very pod: a path of the host that looks like one is the
// host's.
std::vector<Volume> empty_directories(const oci::Spec& spec);

// Whether a process of the pod `uid` has the volume mounted: one of its containers works in it. In
// containers of other pods it cannot be.
base::Result<bool> is_used_in_pod(const std::filesystem::path& proc, const std::string& uid,
                                  const Volume& volume);

// Of the pod that `volume` was made anew with: the contents of which other pod it has got, whose
// UID this is; nullopt if it has none. Containers can neither see nor change that.
base::Result<std::optional<std::string>> filled_from(const Volume& volume);
base::Result<void> mark_filled(const Volume& volume, const std::string& uid);
// Of the volume at `directory`: as if it had not.
base::Result<void> unmark_filled(const std::filesystem::path& directory);

}  // namespace reprise::container
