// SPDX-License-Identifier: Apache-2.0
//
// What the CRI's runtimes say of a container in its annotations: which pod it is of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/id.h"
#include "base/result.h"
#include "oci/annotations.h"

namespace reprise::oci {

struct PodContainer {
  // A sandbox is what holds a pod's namespaces: no program of the user's.
  enum class Kind : std::uint8_t { kSandbox, kContainer } kind = Kind::kContainer;
  std::string name_space;
  std::string pod;
  std::string uid;        // of the pod, which is never given twice
  std::string container;  // its name in the pod; empty for a sandbox
};

// nullopt for a container that no runtime of the CRI has made. containerd and CRI-O write these
// annotations themselves: a user of the cluster cannot set those that are read here. CRI-O's are
// asked first, since it takes over all annotations of a pod, also those that look like
// containerd's. Pure.
std::optional<PodContainer> pod_container(const Annotations& annotations);

// The sandbox of its pod, by which the kubelet's and the runtime's files and cgroups are called;
// empty for a container of no pod. Pure.
std::string sandbox_id(const Annotations& annotations);

// Who the container is, whoever makes it: the same for each try to start it, another one for each
// pod. None for a sandbox, and without a pod's UID.
base::KeyName key_name(const PodContainer& container);

// "NAMESPACE/POD/CONTAINER": what people call it, and whose it is.
std::string full_name(const PodContainer& container);

// Whether a pod may have it.
bool is_for_pods(std::string_view annotation);

// Of a container of no pod: as check_annotations(), and kInvalidInput, with a hint, for one that
// only pods have a use for.
base::Result<void> check_own_annotations(const Annotations& annotations);

// Whoever may make pods writes their annotations: kInvalidInput, with a hint, for one of ours that
// is not for pods.
base::Result<void> check_pod_annotations(const Annotations& annotations);

}  // namespace reprise::oci
