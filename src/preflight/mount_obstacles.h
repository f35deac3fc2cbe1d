// SPDX-License-Identifier: Apache-2.0
//
// Obstacles (obstacles.h) among the mounts of a container.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "oci/spec.h"
#include "preflight/obstacles.h"
#include "sys/mountinfo.h"

namespace reprise::preflight {

// The mounts that the container has (of `init`'s namespace), and those of the host.
struct SeenMounts {
  std::vector<sys::Mount> inside;
  std::vector<sys::Mount> host;
};

// Pure but for a look at the devices of the sources: what the host has mounted below a bind mount's
// source, of which a restore would make new ones; and file systems that CRIU cannot make.
std::vector<Obstacle> judge_mounts(const oci::Spec& spec, const SeenMounts& seen);

// The same of `init`; and volumes that live in memory, which Podman unmounts at every stop, unless
// their contents belong to the checkpoint. `bundle`: its directory. What cannot be read is no
// obstacle.
std::vector<Obstacle> examine_mounts(const std::filesystem::path& proc, pid_t init,
                                     const oci::Spec& spec, const std::filesystem::path& bundle);

}  // namespace reprise::preflight
