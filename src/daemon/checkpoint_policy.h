// SPDX-License-Identifier: Apache-2.0
//
// Custom resource CheckpointPolicy (deploy/kubernetes/checkpoints.yaml): what an administrator
// wants of pods, whose annotations say nothing. Pure.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/pod_facts.h"
#include "policy/ending.h"

namespace reprise::daemon {

inline constexpr const char* kPolicyCollection = "/apis/reprise.dev/v1alpha1/checkpointpolicies";

// matchLabels is In with one value.
struct LabelRequirement {
  enum class How : std::uint8_t { kIn, kNotIn, kExists, kDoesNotExist } how = How::kIn;
  std::string key;
  std::vector<std::string> values;
};

// For so long it is kept where no policy says another time.
inline constexpr std::chrono::hours kKeepUnclaimed{7 * 24};
inline constexpr std::chrono::hours kKeepWithdrawn{24};

// How long what nobody goes on from is kept.
struct Retention {
  std::optional<std::chrono::seconds> unclaimed;  // and might still be gone on from
  std::optional<std::chrono::seconds> withdrawn;
};

struct CheckpointPolicy {
  std::string name, uid;
  // All must fit; an empty list fits all.
  std::vector<std::string> namespaces, priority_classes;
  std::vector<LabelRequirement> labels;
  policy::EndingWish wish;
  std::optional<std::chrono::seconds> deadline;  // that a pod may stand still while it is saved
  Retention retention;
};

// nullopt for what is none, or what we do not understand: it selects no pod.
std::optional<CheckpointPolicy> read_policy(const nlohmann::json& object);

bool selects(const CheckpointPolicy& policy, const PodFacts& pod);

// Of those that select the pod: what follows for its wish, the shortest deadline, the longest
// retention. Who has the pod saved and does not say for how long means the times above.
struct PolicyVerdict {
  policy::EndingWish wish;
  std::optional<std::chrono::seconds> deadline;
  Retention retention;
  std::vector<std::string> names;
};
PolicyVerdict verdict_on(const PodFacts& pod, const std::vector<CheckpointPolicy>& policies);

}  // namespace reprise::daemon
