// SPDX-License-Identifier: Apache-2.0
#include "kubectl/pod_annotations.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "json/lenient.h"
#include "oci/annotations.h"
#include "oci/cri.h"

namespace reprise::kubectl {

using json_reader::child_of;
using nlohmann::json;

namespace {

constexpr std::string_view kOurs = "reprise.dev/";

oci::Annotations annotations_in(const json& metadata) {
  oci::Annotations annotations;
  const json& given = child_of(metadata, "annotations");
  if (given.is_object())
    for (const auto& [name, value] : given.items())
      if (value.is_string()) annotations[name] = value.get<std::string>();
  return annotations;
}

// The first that no pod may have, or not with this value; else what the runtime advises.
std::string remedy_for(const oci::Annotations& annotations, const base::Error& refusal) {
  std::string all;
  for (const PodAnnotation& one : kPodAnnotations)
    all +=
        (all.empty() ? "'" : ", '") + std::string(one.name) + "' (" + std::string(one.values) + ")";
  for (const auto& [name, value] : annotations) {
    if (!name.starts_with(kOurs) || !refusal.message().contains("'" + name + "'")) continue;
    const auto* known = std::ranges::find(kPodAnnotations, name, &PodAnnotation::name);
    if (known != kPodAnnotations.end()) return "it can be " + std::string(known->values);
    return name == oci::annotation::kOnStop ? refusal.hint() : "a pod may have " + all;
  }
  return refusal.hint();
}

}  // namespace

bool say_annotations(Remarks& say, const json& metadata) {
  constexpr std::chrono::seconds kMost{75};
  const auto annotations = annotations_in(metadata);
  if (const auto checked = oci::check_pod_annotations(annotations); !checked) {
    // Another runtime does not look at them.
    const char* what = say.is_prevented() ? "" : ": no container of such a pod is ever made";
    say.prevents(checked.error().message() + what, remedy_for(annotations, checked.error()));
    return false;
  }
  const auto wishes = oci::parse_wishes(annotations);
  if (annotations.contains(oci::annotation::kFreezeLimit) && wishes && wishes->freeze_limit > kMost)
    say.mind("its freeze limit of " + std::to_string(wishes->freeze_limit.count()) +
                 " s counts as " + std::to_string(kMost.count()) +
                 " s: the kubelet waits no longer",
             "expect the signal where saving it takes longer");
  return true;
}

}  // namespace reprise::kubectl
