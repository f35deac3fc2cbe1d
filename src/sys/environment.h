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

// Where directory `programs` lies beside this process's program, as in the bundle of a node, PATH
// begins with it from now on, for us and for those that we start. Before read_environment().
void prefer_own_programs();

// A variable that is empty is as good as one that is not set.
std::string variable(const Environment& environment, std::string_view name);

}  // namespace reprise::sys
