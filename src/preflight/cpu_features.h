// SPDX-License-Identifier: Apache-2.0
//
// What instructions a CPU has that others of its kind lack. Programs ask once, at their start, and
// use them from then on: on a CPU without them they are killed by SIGILL.
#pragma once

#include <string>
#include <string_view>

namespace reprise::preflight {

// Of the first CPU in the text of /proc/cpuinfo, sorted, with a space between each two; empty where
// that tells none. Not what only the kernel uses. Pure.
std::string cpu_features(std::string_view cpuinfo);

// Those of `needed` that are not in `present`, as a text for people; empty if there is none. Pure.
std::string missing_features(std::string_view needed, std::string_view present);

}  // namespace reprise::preflight
