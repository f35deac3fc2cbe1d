// SPDX-License-Identifier: Apache-2.0
//
// The bytes of what Kubernetes writes as base64.
#pragma once

#include <optional>
#include <string>

namespace reprise::kube {

// White space in it is nothing. Empty if it is no base64, or none at all.
std::optional<std::string> from_base64(std::string text);

}  // namespace reprise::kube
