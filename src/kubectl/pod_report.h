// SPDX-License-Identifier: Apache-2.0
//
// What can be said of a pod's next ending from its objects in the API: whether it will be saved,
// and go on in its replacement. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace reprise::kubectl {

// What is known of what is not the pod itself. Empty where nobody would tell us.
struct Surroundings {
  std::optional<nlohmann::json> controller;  // the Job that it is of, if it is of one
  // Of the agents' namespace.
  std::optional<std::vector<nlohmann::json>> agents;
  std::optional<std::vector<nlohmann::json>> checkpoints;  // of the pod's namespace
};

struct Remark {
  enum class Weight : std::uint8_t { kFine, kMind, kPrevents };
  Weight weight = Weight::kFine;
  std::string text;
  std::string remedy;  // empty where there is nothing to be done
};

struct PodReport {
  std::vector<Remark> remarks;
  // When it is drained, evicted or preempted; when it is deleted.
  bool saved_on_disruption = false;
  bool saved_on_delete = false;
};

PodReport report_on(const nlohmann::json& pod, const Surroundings& around);

// The Checkpoints that a pod of this name, of whatever UID, was saved as or went on from: oldest
// first.
std::vector<nlohmann::json> history_of(const std::string& pod,
                                       const std::vector<nlohmann::json>& checkpoints);

}  // namespace reprise::kubectl
