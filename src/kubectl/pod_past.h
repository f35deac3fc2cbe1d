// SPDX-License-Identifier: Apache-2.0
//
// What Checkpoints and CheckpointRequests tell of a pod and those before it. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/pod_facts.h"
#include "kubectl/remarks.h"
#include "kubectl/subject.h"

namespace reprise::kubectl {

// nullopt where nobody lets us look.
using Listed = std::optional<std::vector<nlohmann::json>>;
void say_past(Remarks& say, const daemon::PodFacts& pod, const Listed& checkpoints,
              const Listed& requests);

// The Checkpoints that pods of this name, of whatever UID, or all pods of a Deployment, StatefulSet
// or Job were saved as or went on from: oldest first.
std::vector<nlohmann::json> history_of(const Subject& subject,
                                       const std::vector<nlohmann::json>& checkpoints);

// What `lives` prints of them: a line for each, in columns.
std::string told_lives(const std::vector<nlohmann::json>& history);

// What `lives --json` tells of such a Checkpoint; docs/kubernetes.md lists the fields.
nlohmann::ordered_json life_of(const nlohmann::json& checkpoint);

}  // namespace reprise::kubectl
