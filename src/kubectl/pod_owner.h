// SPDX-License-Identifier: Apache-2.0
//
// What `doctor` says of who makes a pod anew. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "daemon/pod_facts.h"
#include "kubectl/remarks.h"

namespace reprise::kubectl {

// `saved`: at whatever ending it is most likely. Whether what is saved is in vain: no pod comes
// that would go on.
bool say_owner(Remarks& say, const daemon::PodFacts& facts,
               const std::optional<nlohmann::json>& controller, Verdict saved);

}  // namespace reprise::kubectl
