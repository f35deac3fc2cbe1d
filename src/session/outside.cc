// SPDX-License-Identifier: Apache-2.0
#include "session/outside.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "container/pod_volumes.h"
#include "image/part_names.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;
namespace fs = std::filesystem;

namespace {

// Podman makes these anew for each start; what is in the first is saved elsewhere.
constexpr std::array<std::string_view, 2> kEngines = {"/dev/shm", "/run/secrets"};

// A pod's volumes are in the checkpoint.
std::set<std::string> saved_places(const oci::Spec& spec) {
  std::set<std::string> places;
  for (const container::Volume& volume : container::empty_directories(spec))
    places.insert(volume.destinations.begin(), volume.destinations.end());
  return places;
}

bool is_kept_outside(const oci::Mount& mount) {
  const bool engines = std::ranges::find(kEngines, mount.destination) != kEngines.end();
  const bool read_only = std::ranges::find(mount.options, std::string("ro")) != mount.options.end();
  return mount.type == "bind" && !engines && !read_only;
}

bool is_empty_directory(const fs::path& place) {
  std::error_code error;
  return fs::is_directory(place, error) && fs::is_empty(place, error) && !error;
}

bool is_filled_directory(const fs::path& place) {
  std::error_code error;
  return fs::is_directory(place, error) && !fs::is_empty(place, error) && !error;
}

}  // namespace

Result<void> note_outside(store::CheckpointWriter& writer, const oci::Spec& spec) {
  std::string list;
  const auto saved = saved_places(spec);
  for (const oci::Mount& mount : spec.mounts)
    if (is_kept_outside(mount) && !saved.contains(mount.destination) &&
        is_filled_directory(mount.source))
      (list += mount.destination) += '\0';
  if (list.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(image::kOutsidePart)), list);
}

Result<void> check_outside(store::CheckpointReader& reader, const oci::Spec& spec,
                           const oci::Wishes& wishes) {
  // What 'reprise restore' says of volumes: keep them, or fill those that the checkpoint holds.
  const std::string& from = wishes.fill_volumes_from;
  if (from == "keep" || from == reader.manifest().id.str()) return {};
  const auto part = REPRISE_PASS(reader.find_part(image::kOutsidePart));
  if (!part) return {};
  const std::string list = REPRISE_PASS(sys::read_file(*part));
  for (const oci::Mount& mount : spec.mounts) {
    if (!is_kept_outside(mount) || !is_empty_directory(mount.source)) continue;
    if (!('\0' + list).contains('\0' + mount.destination + '\0')) continue;
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "'" + mount.source + "', which is mounted at '" +
                                           mount.destination +
                                           "', is empty, and held files at the checkpoint")
            .with_hint("is its disk mounted? Put back what was there; 'reprise restore --volumes "
                       "keep' takes it as it is"));
  }
  return {};
}

}  // namespace reprise::session
