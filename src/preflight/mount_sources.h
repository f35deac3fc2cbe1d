// SPDX-License-Identifier: Apache-2.0
//
// Where the bind mounts of a container come from, and whether the next start will find it there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oci/spec.h"
#include "preflight/obstacles.h"

namespace reprise::preflight {

// Sources that are gone from the host while the container runs. They keep it from being started,
// not from being checkpointed: whoever puts them back loses nothing. One system call for each
// mount.
std::vector<Obstacle> missing_sources(const oci::Spec& spec);

// A bind mount whose source is a symbolic link, and what that leads to.
struct LinkedSource {
  std::string destination;
  std::filesystem::path target;
  bool operator==(const LinkedSource&) const = default;
};
// The runtime follows them when it makes a container, CRIU (mount-v2.c) does not when it restores
// one.
std::vector<LinkedSource> linked_sources(const oci::Spec& spec);

}  // namespace reprise::preflight
