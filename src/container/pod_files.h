// SPDX-License-Identifier: Apache-2.0
//
// Files that the kubelet and the runtime of the CRI write anew for each pod, and that programs of
// its containers may have open.
//
// In volumes of kind Secret, ConfigMap, projected and downward API the files lie in a directory
// that is named by the moment in which they were written, ..2026_11_30_09_11_57.2001552781, to
// which a link leads. The kubelet removes that to which its own link led, when it writes another;
// others stay as long as the pod.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oci/spec.h"

namespace reprise::container {

struct Moment {
  std::string destination;          // of its volume
  std::filesystem::path directory;  // on the host
};
// Those of which a process of the container has something open, mapped, or in `watched` (paths in
// the container). Only of volumes of the container's own pod.
std::vector<Moment> moments_in_use(const std::filesystem::path& proc, pid_t init,
                                   const oci::Spec& spec, const std::vector<std::string>& watched);
// Where the volume lies that is mounted at `destination`, if it is of such a kind.
std::optional<std::filesystem::path> volume_with_moments(const oci::Spec& spec,
                                                         const std::string& destination);
// Whether a directory can be called so.
bool is_moment(std::string_view name);

// The file on the host in which the container may say why it ended.
std::optional<std::filesystem::path> termination_log(const oci::Spec& spec);

// In the container: files that have another content in another pod.
std::set<std::string> files_of_one_pod(const oci::Spec& spec);

}  // namespace reprise::container
