// SPDX-License-Identifier: Apache-2.0
//
// A node of Kubernetes, as the host shows it.
#pragma once

namespace reprise::host {

// Where containerd has runc keep what it remembers of containers that the CRI made.
inline constexpr const char* kRootOfPods = "/run/containerd/runc/k8s.io";

}  // namespace reprise::host
