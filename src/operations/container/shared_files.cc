// SPDX-License-Identifier: Apache-2.0
#include "operations/container/shared_files.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "podman/client.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

bool is_written_to(const podman::Mount& mount) {
  return mount.writable && (mount.type == "volume" || mount.type == "bind");
}

bool is_saved(const podman::Mount& mount, const std::vector<container::SavedVolume>& saved) {
  return std::ranges::any_of(saved, [&](const container::SavedVolume& volume) {
    return std::ranges::find(volume.destinations, mount.destination) != volume.destinations.end();
  });
}

std::string describe(const podman::Mount& mount) {
  const std::string what =
      mount.type == "volume" ? "volume '" + mount.name + "'" : "'" + mount.source + "'";
  return what + " (" + mount.destination + ")";
}

std::string list_of(const std::vector<podman::Mount>& mounts) {
  std::string list;
  for (const podman::Mount& mount : mounts) list += (list.empty() ? "" : ", ") + describe(mount);
  return list;
}

// The name of a running container that writes there, too.
std::optional<std::string> other_writer(const podman::Mount& mount,
                                        const std::vector<podman::ContainerInfo>& all,
                                        const std::string& own_id) {
  for (const podman::ContainerInfo& other : all) {
    if (!other.has_tasks() || other.id == own_id) continue;
    for (const podman::Mount& theirs : other.mounts)
      if (is_written_to(theirs) && overlap(mount.source, theirs.source)) return other.name;
  }
  return std::nullopt;
}

// Whether the container lived after the checkpoint, so that its files are newer.
Result<bool> went_on(catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint) {
  const auto lives = REPRISE_PASS(catalog.lives(checkpoint.key));
  if (lives.empty()) return false;  // it came from elsewhere, and its files were given for it
  if (!checkpoint.ended) return true;
  return std::ranges::any_of(lives, [&](const catalog::LifeRow& life) {
    return life.time > checkpoint.created && (life.event == catalog::LifeEvent::kStarted ||
                                              life.event == catalog::LifeEvent::kRestored);
  });
}

}  // namespace

bool overlap(const std::string& one, const std::string& other) {
  const auto lies_in = [](const std::filesystem::path& inner, const std::filesystem::path& outer) {
    const auto rest = inner.lexically_normal().lexically_relative(outer.lexically_normal());
    return !rest.empty() && *rest.begin() != "..";
  };
  return lies_in(one, other) || lies_in(other, one);
}

Result<void> check_shared_files(catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint,
                                const podman::ContainerInfo& info,
                                const std::vector<container::SavedVolume>& saved) {
  std::vector<podman::Mount> outside;
  for (const podman::Mount& mount : info.mounts)
    if (is_written_to(mount) && !is_saved(mount, saved)) outside.push_back(mount);
  if (outside.empty()) return {};
  const auto all = REPRISE_PASS(podman::list_all());
  for (const podman::Mount& mount : outside)
    if (const auto other = other_writer(mount, all, info.id))
      return std::unexpected(
          Error(ErrorCode::kBusy, "it would write to " + describe(mount) +
                                      ", to which the running container '" + *other +
                                      "' writes as well")
              .with_hint("give it another one ('-- --volume …'), or say '--volumes keep' if they "
                         "may share it"));
  if (!REPRISE_PASS(went_on(catalog, checkpoint))) return {};
  return std::unexpected(
      Error(ErrorCode::kBusy,
            "the container went on after this checkpoint, and what it then wrote is in " +
                list_of(outside))
          .with_hint(
              "'--volumes keep' has its memory of then go on with the files of now; with the "
              "annotation reprise.dev/volumes=include volumes are part of checkpoints"));
}

}  // namespace reprise::operations
