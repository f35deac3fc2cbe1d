// SPDX-License-Identifier: Apache-2.0
//
// What a pod's annotations and the cluster's policies ask of its next ending, as far as its
// containers heed it: what they are to do is written down when they are made. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/pod_facts.h"
#include "kubectl/remarks.h"

namespace reprise::kubectl {

// When the first of the containers that run now was made, as the API writes it: later is greater.
// Empty where none runs.
std::string made_at(const nlohmann::json& pod);

// What policies make of `facts`, its wish; nullopt: nobody tells us which there are.
void say_policies(Remarks& say, daemon::PodFacts& facts, const nlohmann::json& pod,
                  const std::optional<std::vector<nlohmann::json>>& policies);

}  // namespace reprise::kubectl
