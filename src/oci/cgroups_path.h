// SPDX-License-Identifier: Apache-2.0
//
// Where a container's cgroup is in each hierarchy, as its specification says it.
#pragma once

#include <string>
#include <string_view>

namespace reprise::oci {

// Of linux.cgroupsPath: an absolute path as it stands, "SLICE:PREFIX:NAME" (systemd's) as runc
// makes one of it (libcontainer/cgroups/systemd, ExpandSlice and getUnitName). Empty where it
// depends on who asks: a relative path, or none. Pure.
std::string cgroup_directory(std::string_view cgroups_path);

}  // namespace reprise::oci
