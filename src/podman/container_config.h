// SPDX-License-Identifier: Apache-2.0
//
// Podman's own record of a container (libpod's ContainerConfig), which is what its checkpoint
// archives hold. No command of Podman's prints it, so it is read from Podman's database.
#pragma once

#include <string>

#include "base/result.h"

namespace reprise::podman {

// The record of the container with the full id `id`, as JSON. Reads only. kNotFound if Podman has
// no such container, kUnsupported, with a hint, if its database is not SQLite (Podman before 5).
base::Result<std::string> load_container_config(const std::string& id);

}  // namespace reprise::podman
