// SPDX-License-Identifier: Apache-2.0
//
// What runc itself remembers of a container: ROOT/ID/state.json.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/process.h"

namespace reprise::oci {

struct State {
  sys::ProcessRef init;  // in the host's pid namespace
  std::string bundle;
  std::map<std::string, std::string> annotations;
  std::map<std::string, std::string> cgroup_paths;  // controller ("" for cgroup v2) to directory
};

// Pure. kCorrupt for text that is not runc's (1.1 to 1.5 write the same fields).
base::Result<State> parse_state(std::string_view text);

}  // namespace reprise::oci
