// SPDX-License-Identifier: Apache-2.0
//
// What runc itself remembers of a container: ROOT/ID/state.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "sys/process.h"

namespace reprise::container {

struct RuncState {
  sys::ProcessRef init;  // in the host's pid namespace
  std::string bundle;
  std::map<std::string, std::string> annotations;
  std::map<std::string, std::string> cgroup_paths;  // controller ("" for cgroup v2) to directory
};

// Pure. kCorrupt for text that is not runc's (1.1 to 1.5 write the same fields).
base::Result<RuncState> parse_runc_state(std::string_view text);

// Where runc keeps what it remembers of a container. `runtime_args` as below.
std::filesystem::path runc_directory(const std::vector<std::string>& runtime_args,
                                     const base::ContainerId& id);

// Unmounts what `runc restore` mounts there for CRIU (runc 1.1: `criu-root`) and leaves mounted
// when it is killed: the container's root file system. Must come before any `runc delete` or
// `create` of the container, which would remove the directory with all that it shows of that file
// system. No runc or CRIU of the restore may be running.
base::Result<void> release_restore_root(const std::vector<std::string>& runtime_args,
                                        const base::ContainerId& id);

// kNotFound if runc does not know the container. `runtime_args` are the global arguments of the
// call.
base::Result<RuncState> load_runc_state(const std::vector<std::string>& runtime_args,
                                        const base::ContainerId& id);

}  // namespace reprise::container
