// SPDX-License-Identifier: Apache-2.0
//
// Podman's own record of a container (libpod's ContainerConfig), which is what its checkpoint
// archives hold. No command of Podman's prints it, so it is read from Podman's database.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "podman/container_info.h"

namespace reprise::podman {

// The record of the container with the full id `id`, as JSON. Reads only. kNotFound if Podman has
// no such container, kUnsupported, with a hint, if its database is not SQLite (Podman before 5).
base::Result<std::string> load_container_config(const std::string& id);

// What the record of container `id` says, without calling Podman, which may hold the container's
// lock and wait for us: `bundle` is the directory of its config.json, from which the database is
// found. Has no state: status, pid and times are empty. kNotFound if `bundle` is not one of
// Podman's, or its database does not know the container.
base::Result<ContainerInfo> load_recorded_info(const std::filesystem::path& bundle,
                                               const std::string& id);

}  // namespace reprise::podman
