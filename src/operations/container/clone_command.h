// SPDX-License-Identifier: Apache-2.0
//
// The `podman create` with which the container of a checkpoint is made again.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "container/volumes.h"
#include "image/manifest.h"
#include "podman/client.h"

namespace reprise::operations {

using base::Result;

// What becomes of volumes that exist, where the checkpoint holds their contents.
enum class VolumeWish : unsigned char {
  kFill,       // new and empty ones get the contents; one that holds something else is refused
  kOverwrite,  // all get the contents
  kKeep,       // all stay as they are
};

struct CloneWishes {
  std::string name;                  // of the new container; empty: its old name
  std::vector<std::string> options;  // for `podman create`; they win over the recorded ones
  VolumeWish volumes = VolumeWish::kFill;
  // Whether Podman shows the pull of an image on our own standard error, and its errors with it.
  podman::ErrorOutput podman_errors = podman::ErrorOutput::kCapture;
};

// kInvalidInput for options that are none, or that cannot work: a name (that has its own place), or
// less memory than the checkpoint holds, which the kernel would answer by killing the container.
Result<void> check_options(const std::vector<std::string>& options,
                           const image::Manifest& manifest);

struct CloneCommand {
  std::string name;
  std::vector<std::string> argv;
  bool beside = false;  // the original, or one that was made from it again, stays
  // What the new container does not get, because another one that still exists has it: addresses,
  // host ports; as options.
  std::vector<std::string> left_out;
};

// What is recorded of the container of `checkpoint`, else what Podman says if it still exists.
// kNotFound if the command that made it was never recorded.
Result<catalog::ContainerRow> find_record(catalog::Catalog& catalog,
                                          const catalog::CheckpointRow& checkpoint);

// Asks Podman whether the container of `record` still exists beside the new one. `volumes` are
// those that `checkpoint` holds: beside its original, the new container gets others, "NAME-VOLUME".
Result<CloneCommand> clone_command(const catalog::ContainerRow& record, const CloneWishes& wishes,
                                   const base::CheckpointId& checkpoint,
                                   const std::vector<container::SavedVolume>& volumes);

}  // namespace reprise::operations
