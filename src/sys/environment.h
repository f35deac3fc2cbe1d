// SPDX-License-Identifier: Apache-2.0
//
// What this process was told in its environment: read once, by its main, and handed down.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace reprise::sys {

using Environment = std::map<std::string, std::string, std::less<>>;

// This process's. Before other threads are started.
Environment read_environment();

// A variable that is empty is as good as one that is not set.
std::string variable(const Environment& environment, std::string_view name);

}  // namespace reprise::sys
