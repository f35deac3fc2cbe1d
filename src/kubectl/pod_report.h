// SPDX-License-Identifier: Apache-2.0
//
// What can be said of a pod's next ending from its objects in the API: whether it will be saved,
// and go on in its replacement. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kubectl/remarks.h"

namespace reprise::kubectl {

// What is known of what is not the pod itself. Empty where nobody would tell us.
struct Surroundings {
  std::optional<nlohmann::json> controller;  // who makes it anew
  // Of the agents' namespace.
  std::optional<std::vector<nlohmann::json>> agents;
  std::optional<std::vector<nlohmann::json>> checkpoints;  // of the pod's namespace
  std::optional<std::vector<nlohmann::json>> requests;     // CheckpointRequests of it
  std::optional<nlohmann::json> runtime_class;             // that the pod names
  bool is_class_hidden = false;                            // nobody lets us see it
  std::optional<std::vector<nlohmann::json>> policies = std::vector<nlohmann::json>{};  // all
};

struct PodReport {
  std::vector<Remark> remarks;
  // When it is drained, evicted or preempted; when it is deleted.
  Verdict saved_on_disruption = Verdict::kNo;
  Verdict saved_on_delete = Verdict::kNo;
  std::string unknowns;     // Remarks::unknowns
  std::string over;         // that it has ended, or ends already; empty: no
  bool is_in_vain = false;  // whatever is saved, no pod comes that goes on
  [[nodiscard]] bool is_saved() const {
    if (is_in_vain) return false;
    return saved_on_disruption == Verdict::kYes || saved_on_delete == Verdict::kYes;
  }
};

// "When it is drained, evicted or preempted it is saved; when it is deleted it gets its signal."
std::string verdict_text(const PodReport& report);

PodReport report_on(const nlohmann::json& pod, const Surroundings& around);

}  // namespace reprise::kubectl
