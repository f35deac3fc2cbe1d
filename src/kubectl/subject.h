// SPDX-License-Identifier: Apache-2.0
//
// What a command is about, as it is typed: "db-0", "pod/db-0", "statefulset/db", "node/n1". Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace reprise::kubectl {

struct Subject {
  enum class Kind : std::uint8_t { kPod, kDeployment, kStatefulSet, kJob, kNode };
  Kind kind = Kind::kPod;
  std::string name;
};

// kInvalidInput for another kind, and for what cannot be a name in a path of the API.
base::Result<Subject> parse_subject(const std::string& text);

// "pod 'db-0'".
std::string to_text(const Subject& subject);

// As `labelSelector` of a query in a path, of a selector of a Deployment, StatefulSet or Job.
std::string label_query(const nlohmann::json& selector);

// Whether what makes a pod anew, as its object or a Checkpoint names it ("kind", "name"), is this,
// or a ReplicaSet of this.
bool is_made_by(const nlohmann::json& owner, const Subject& subject);

}  // namespace reprise::kubectl
