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

// Of a pod for which only annotations of its own ask, that are not in the template of who makes it
// anew (`controller`), as those of a running pod that somebody annotates: its containers may have
// been made before, and the next pod, which does not have them, does not go on. Whether it is one.
bool say_by_hand(Remarks& say, const daemon::PodFacts& facts, const nlohmann::json& pod,
                 const std::optional<nlohmann::json>& controller,
                 const std::optional<std::vector<nlohmann::json>>& policies);

}  // namespace reprise::kubectl
