// SPDX-License-Identifier: Apache-2.0
//
// Times as Leases and Events have them.
#pragma once

#include <chrono>
#include <string>

namespace reprise::kube {

// "2026-11-30T05:54:00.000123Z": the server takes no other number of digits.
std::string micro_time(std::chrono::system_clock::time_point time);

}  // namespace reprise::kube
