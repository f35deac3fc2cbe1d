// SPDX-License-Identifier: Apache-2.0
//
// From somebody else's archive to a sealed checkpoint of ours. Read: the archives of `podman
// container checkpoint --export`, and those that the kubelet's checkpoint API makes with containerd
// and CRI-O.
//
// An archive is untrusted. Nothing in it configures the container that is made from it later, and
// nothing of it is visible before all of it was read and found to be in order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "archive/container_dump.h"
#include "archive/rootfs_changes.h"
#include "base/result.h"
#include "store/store.h"

namespace reprise::exchange {

// How a container can be made from what the archive wishes: the caller's answer, since it knows
// Podman.
struct Recreation {
  catalog::ContainerRow row;  // without key and name
  archive::ImageDirectory image_directory;
};
using PlanRecreation =
    std::function<base::Result<Recreation>(const archive::ContainerWishes& wishes)>;

struct ImportRequest {
  archive::ReadBytes source;
  std::string tag;
  PlanRecreation plan;
};

struct ImportedCheckpoint {
  image::Manifest manifest;
  archive::ContainerWishes wishes;
  std::vector<std::string> left_out;  // members that a restore would miss: volumes
};

// Blocks as long as source and disk need. The checkpoint gets a key of its own: it never becomes
// part of the history of a container of this host. kCorrupt names the member that is not as it must
// be; errors of `plan` are passed on. After an error the store is as before.
base::Result<ImportedCheckpoint> import_archive(store::Store& store,
                                                const std::filesystem::path& root,
                                                ImportRequest request);

}  // namespace reprise::exchange
