// SPDX-License-Identifier: Apache-2.0
#include "session/volumes.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "container/file_tree.h"
#include "image/part_names.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "session/pod_volumes.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kAside = ".reprise-aside-";

Result<container::Volume> volume_for(const std::vector<container::Volume>& present,
                                     const container::SavedVolume& saved) {
  const auto has_destination = [&saved](const container::Volume& volume) {
    return std::ranges::any_of(saved.destinations, [&](const std::string& destination) {
      return std::ranges::find(volume.destinations, destination) != volume.destinations.end();
    });
  };
  const auto found = std::ranges::find_if(present, has_destination);
  if (found != present.end()) return *found;
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "the checkpoint holds the volume '" + saved.name + "', and there is no volume at '" +
                (saved.destinations.empty() ? "" : saved.destinations.front()) + "'")
          .with_hint("mount a volume there, or restore with '--volumes keep'"));
}

// Another restore into it was cut off, and is to be undone first: in the end the volume would hold
// what that one found in it, and not what it held before.
Result<void> refuse_if_unsettled(const container::Volume& volume, const Context& context) {
  std::error_code error;
  fs::directory_iterator entry(volume.directory.parent_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kAside)) continue;
    const auto session = base::SessionId::parse(name.substr(kAside.size()));
    if (!session || *session == context.request.session) continue;
    if (!REPRISE_PASS(sys::exists(context.layout.session_run_directory(*session)))) continue;
    return std::unexpected(
        Error(ErrorCode::kBusy, "session '" + session->str() + "' was cut off while it filled it")
            .with_hint("'reprise ps' puts back what was in it, then try again"));
  }
  if (error) return base::fail_errno(error.value(), "looking for what was put aside");
  return {};
}

Result<void> fill(const fs::path& archive, const container::Volume& volume,
                  const Context& context) {
  REPRISE_PASS(refuse_if_unsettled(volume, context));
  // Podman may have filled a new one from the image by now, and given it another owner.
  std::error_code error;
  if (!fs::is_empty(volume.directory, error) &&
      REPRISE_PASS(container::tree_equals(archive, volume.directory)))
    return {};
  const fs::path aside = aside_of(volume, context.request.session);
  REPRISE_PASS(
      context.journal().write(undo::VolumePutAside{.directory = volume.directory, .aside = aside}));
  REPRISE_PASS(container::put_contents_aside(volume.directory, aside));
  return container::extract_tree(archive, volume.directory);
}

}  // namespace

Result<void> capture_volumes(store::CheckpointWriter& writer, const oci::Spec& spec,
                             const fs::path& bundle, Volumes which) {
  std::vector<container::SavedVolume> saved;
  REPRISE_PASS(capture_empty_directories(writer, spec, saved));
  auto volumes = which == Volumes::kAll ? container::podman_volumes(spec, bundle)
                                        : std::vector<container::Volume>();
  for (container::Volume& volume : volumes) {
    std::string name = "volume-" + std::to_string(saved.size()) + ".tar";
    REPRISE_TRY(save_tree(writer, name, volume.directory, container::Writers::kOthers),
                "saving volume '" + volume.name + "'");
    saved.push_back({.name = std::move(volume.name),
                     .destinations = std::move(volume.destinations),
                     .part = std::move(name)});
  }
  if (saved.empty()) return {};
  const fs::path list = REPRISE_PASS(writer.part(image::kVolumesPart));
  return sys::replace_file(list, container::encode_volumes(saved));
}

Result<std::vector<container::SavedVolume>> saved_volumes(store::CheckpointReader& reader) {
  const auto part = REPRISE_PASS(reader.find_part(image::kVolumesPart));
  if (!part) return std::vector<container::SavedVolume>();
  return container::decode_volumes(REPRISE_PASS(sys::read_file(*part)));
}

Result<void> fill_volumes(store::CheckpointReader& reader, const oci::Spec& spec,
                          const Context& context) {
  const auto present = container::podman_volumes(spec, context.request.restore().bundle);
  for (const container::SavedVolume& saved : REPRISE_PASS(saved_volumes(reader))) {
    const container::Volume volume = REPRISE_PASS(volume_for(present, saved));
    const fs::path archive = REPRISE_PASS(tree_part(reader, saved.part));
    REPRISE_TRY(fill(archive, volume, context), "filling volume '" + volume.name + "'");
  }
  return {};
}

fs::path aside_of(const container::Volume& volume, const base::SessionId& session) {
  return volume.directory.parent_path() / (std::string(kAside) + session.str());
}

}  // namespace reprise::session
