// SPDX-License-Identifier: Apache-2.0
//
// What can be said of a node from objects in the API: whether pods that end there are saved, and
// others go on there. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kubectl/remarks.h"

namespace reprise::kubectl {

// nullopt where nobody would tell us.
struct NodeSurroundings {
  std::optional<std::vector<nlohmann::json>> agents;           // pods of the agents' namespace
  std::optional<std::vector<nlohmann::json>> runtime_classes;  // all
  std::optional<std::vector<nlohmann::json>> pods;             // of the node
  std::optional<std::vector<nlohmann::json>> checkpoints;      // all
};

struct NodeReport {
  std::vector<Remark> remarks;
  Verdict works = Verdict::kNo;
  std::string unknowns;  // Remarks::unknowns
};

// "Pods are saved here, and go on here."
std::string verdict_text(const NodeReport& report);

NodeReport report_on_node(const nlohmann::json& node, const NodeSurroundings& around);

}  // namespace reprise::kubectl
