// SPDX-License-Identifier: Apache-2.0
#include "oci/cri.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace reprise::oci {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// internal/cri/annotations of containerd; pkg/annotations of CRI-O, and the kubelet's labels, which
// it copies.
struct Names {
  const char* type;
  const char* name_space;
  const char* pod;
  const char* uid;
  const char* container;
  const char* sandbox;
};
constexpr std::array kRuntimes = {
    Names{.type = "io.kubernetes.cri-o.ContainerType",
          .name_space = "io.kubernetes.pod.namespace",
          .pod = "io.kubernetes.pod.name",
          .uid = "io.kubernetes.pod.uid",
          .container = "io.kubernetes.container.name",
          .sandbox = "io.kubernetes.cri-o.SandboxID"},
    Names{.type = "io.kubernetes.cri.container-type",
          .name_space = "io.kubernetes.cri.sandbox-namespace",
          .pod = "io.kubernetes.cri.sandbox-name",
          .uid = "io.kubernetes.cri.sandbox-uid",
          .container = "io.kubernetes.cri.container-name",
          .sandbox = "io.kubernetes.cri.sandbox-id"},
};

// What a user of the cluster may say. Not the key, nor a checkpoint to go on from: those are the
// cluster's, and could be another user's.
constexpr std::array<std::string_view, 6> kForPods = {
    annotation::kOnDisruption, annotation::kOnDelete,     annotation::kOnRestoreFailure,
    annotation::kIoUring,      annotation::kMultipathTcp, annotation::kFreezeLimit};

std::string value_of(const Annotations& annotations, const char* name) {
  const auto found = annotations.find(name);
  return found == annotations.end() ? "" : found->second;
}

}  // namespace

std::optional<PodContainer> pod_container(const Annotations& annotations) {
  for (const Names& names : kRuntimes) {
    const std::string type = value_of(annotations, names.type);
    if (type.empty()) continue;
    PodContainer found{
        .kind = type == "sandbox" ? PodContainer::Kind::kSandbox : PodContainer::Kind::kContainer,
        .name_space = value_of(annotations, names.name_space),
        .pod = value_of(annotations, names.pod),
        .uid = value_of(annotations, names.uid),
        .container = {}};
    if (found.kind == PodContainer::Kind::kContainer)
      found.container = value_of(annotations, names.container);
    return found;
  }
  return std::nullopt;
}

std::string sandbox_id(const Annotations& annotations) {
  for (const Names& names : kRuntimes)
    if (!value_of(annotations, names.type).empty()) return value_of(annotations, names.sandbox);
  return {};
}

base::KeyName key_name(const PodContainer& container) {
  if (container.uid.empty() || container.container.empty()) return {};
  return base::KeyName::parse("pod:" + container.uid + ":" + container.container)
      .value_or(base::KeyName());
}

std::string full_name(const PodContainer& container) {
  return container.name_space + "/" + container.pod + "/" + container.container;
}

bool is_for_pods(std::string_view annotation) {
  return std::ranges::find(kForPods, annotation) != kForPods.end();
}

Result<void> check_own_annotations(const Annotations& annotations) {
  REPRISE_PASS(check_annotations(annotations));
  for (const char* name : {annotation::kOnDisruption, annotation::kOnDelete})
    if (annotations.contains(name))
      return std::unexpected(Error(ErrorCode::kInvalidInput, std::string("annotation '") + name +
                                                                 "' is for pods of Kubernetes")
                                 .with_hint(std::string("'") + annotation::kOnStop +
                                            ": checkpoint' keeps what is stopped"));
  return {};
}

Result<void> check_pod_annotations(const Annotations& annotations) {
  REPRISE_PASS(check_annotations(annotations));
  for (const auto& [name, value] : annotations) {
    if (!name.starts_with("reprise.dev/") || is_for_pods(name)) continue;
    Error error(ErrorCode::kInvalidInput, "annotation '" + name + "' is not for pods");
    if (name == annotation::kOnStop)
      return std::unexpected(std::move(error).with_hint(
          std::string("'") + annotation::kOnDisruption +
          ": checkpoint' keeps what is preempted, drained or evicted, '" + annotation::kOnDelete +
          ": checkpoint' also what is deleted"));
    return std::unexpected(std::move(error).with_hint("leave it out of the pod's annotations"));
  }
  return {};
}

}  // namespace reprise::oci
