// SPDX-License-Identifier: Apache-2.0
//
// What `doctor` says of a pod's annotations of ours. Pure.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "kubectl/remarks.h"

namespace reprise::kubectl {

struct PodAnnotation {
  std::string_view name, values;
};
// All that a pod may have, as docs/kubernetes.md lists them.
inline constexpr std::array kPodAnnotations = {
    PodAnnotation{.name = "reprise.dev/on-disruption", .values = "`checkpoint` or `signal`"},
    PodAnnotation{.name = "reprise.dev/on-delete", .values = "`checkpoint` or `signal`"},
    PodAnnotation{.name = "reprise.dev/on-restore-failure", .values = "`fail` or `cold`"},
    PodAnnotation{.name = "reprise.dev/freeze-limit", .values = "whole seconds from `1` to `75`"},
    PodAnnotation{.name = "reprise.dev/io-uring", .values = "`deny` or `allow`"},
    PodAnnotation{.name = "reprise.dev/mptcp", .values = "`deny` or `allow`"},
};

// Those of which the runtime would say so when the pod's containers are made, none of which is made
// then. Whether there are none.
bool say_annotations(Remarks& say, const nlohmann::json& metadata);

}  // namespace reprise::kubectl
