// SPDX-License-Identifier: Apache-2.0
//
// Where the bind mounts of a container come from, and whether the next start will find it there.
#pragma once

#include <vector>

#include "container/obstacles.h"
#include "container/oci_spec.h"

namespace reprise::container {

// Sources that are gone from the host while the container runs. They keep it from being started,
// not from being checkpointed: whoever puts them back loses nothing. One system call for each
// mount.
std::vector<Obstacle> missing_sources(const OciSpec& spec);

}  // namespace reprise::container
