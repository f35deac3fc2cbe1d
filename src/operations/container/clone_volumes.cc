// SPDX-License-Identifier: Apache-2.0
#include "operations/container/clone_volumes.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "container/file_tree.h"
#include "session/parts.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;

namespace {

Result<podman::Mount> volume_at(const podman::ContainerInfo& info, const std::string& destination) {
  for (const podman::Mount& mount : info.mounts)
    if (mount.destination == destination && mount.type == "volume") return mount;
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the checkpoint holds a volume for '" + destination +
                                         "', and the new container has none there")
          .with_hint("mount a volume there, or use '--volumes keep'"));
}

Result<void> check_one(store::CheckpointReader& reader, const podman::Mount& mount,
                       const container::SavedVolume& saved) {
  std::error_code error;
  if (std::filesystem::is_empty(mount.source, error) && !error) return {};
  const auto archive = REPRISE_PASS(session::tree_part(reader, saved.part));
  if (REPRISE_PASS(container::tree_equals(archive, mount.source))) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy,
            "volume '" + mount.name + "' is there and holds something else than the checkpoint")
          .with_hint("'--volumes overwrite' gives it the contents of the checkpoint, "
                     "'--volumes keep' leaves it as it is"));
}

}  // namespace

Result<void> check_volumes(store::CheckpointReader& reader, const podman::ContainerInfo& info,
                           const CloneCommand& command, VolumeWish wish,
                           const std::vector<container::SavedVolume>& saved) {
  if (wish == VolumeWish::kKeep) return {};
  for (const container::SavedVolume& volume : saved)
    for (const std::string& destination : volume.destinations) {
      const podman::Mount mount = REPRISE_PASS(volume_at(info, destination));
      if (command.beside && mount.name == volume.name)
        return std::unexpected(
            Error(ErrorCode::kInvalidInput,
                  "it would share volume '" + volume.name + "' with the original")
                .with_hint("give it a volume of its own, or use '--volumes keep'"));
      if (wish == VolumeWish::kFill) REPRISE_PASS(check_one(reader, mount, volume));
    }
  return {};
}

std::vector<std::string> new_volumes(const podman::ContainerInfo& info,
                                     const std::set<std::string>& before) {
  std::vector<std::string> names;
  for (const podman::Mount& mount : info.mounts)
    if (mount.type == "volume" && !before.contains(mount.name)) names.push_back(mount.name);
  return names;
}

}  // namespace reprise::operations
