// SPDX-License-Identifier: Apache-2.0
#include "session/overlays.h"

#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "container/file_tree.h"
#include "image/part_names.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/unmount.h"

namespace reprise::session {

using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUpper = "upperdir=";

bool is_overlay(const oci::Mount& mount) { return mount.type == "overlay"; }

std::optional<fs::path> upper_of(const oci::Mount& mount) {
  for (const std::string& option : mount.options)
    if (option.starts_with(kUpper)) return option.substr(kUpper.size());
  return std::nullopt;
}

// What the file system understands; the rest are flags of the mount, which CRIU restores.
std::string data_of(const oci::Mount& mount) {
  std::string data;
  for (const std::string& option : mount.options)
    if (option.contains('=') || option == "volatile" || option == "userxattr")
      data += (data.empty() ? "" : ",") + option;
  return data;
}

// By where it is in the container, since the order may be another the next time.
std::string part_of(std::size_t number) { return "overlay-" + std::to_string(number) + ".tar"; }

Result<std::vector<std::string>> saved_overlays(store::CheckpointReader& reader) {
  std::vector<std::string> places;
  const auto part = REPRISE_PASS(reader.find_part(image::kOverlaysPart));
  if (!part) return places;
  const std::string list = REPRISE_PASS(sys::read_file(*part));
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t end = std::min(list.find('\0', begin), list.size());
    places.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return places;
}

// Not below the session's own directory, which is removed with all that is in it.
fs::path place_of(const Context& context) {
  return context.layout.run / "overlays" / context.request.session.str();
}

Result<void> mount_one(const oci::Mount& mount, const fs::path& place) {
  REPRISE_PASS(sys::make_directories(place));
  if (::mount("overlay", place.c_str(), "overlay", 0, data_of(mount).c_str()) == 0) return {};
  return base::fail_errno(errno, "mounting the overlay for '" + mount.destination + "'");
}

}  // namespace

std::vector<std::string> overlay_mounts(const oci::Spec& spec) {
  std::vector<std::string> places;
  for (const oci::Mount& mount : spec.mounts)
    if (is_overlay(mount)) places.push_back(mount.destination);
  return places;
}

Result<void> capture_overlays(store::CheckpointWriter& writer, const oci::Spec& spec) {
  std::string list;
  std::size_t number = 0;
  for (const oci::Mount& mount : spec.mounts) {
    const auto upper = is_overlay(mount) ? upper_of(mount) : std::nullopt;
    if (!upper) continue;
    REPRISE_TRY(save_tree(writer, part_of(number++), *upper),
                "saving what changed in '" + mount.destination + "'");
    (list += mount.destination) += '\0';
  }
  if (list.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(image::kOverlaysPart)), list);
}

Result<engine::OutsideMounts> mount_overlays(store::CheckpointReader& reader, const oci::Spec& spec,
                                             const Context& context) {
  const auto saved = REPRISE_PASS(saved_overlays(reader));
  engine::OutsideMounts mounted;
  if (std::ranges::any_of(spec.mounts, is_overlay))
    REPRISE_PASS(context.journal().write(undo::OverlaysMounted()));
  for (const oci::Mount& mount : spec.mounts) {
    if (!is_overlay(mount)) continue;
    const auto found = std::ranges::find(saved, mount.destination);
    if (const auto upper = upper_of(mount); upper && found != saved.end()) {
      const auto number = static_cast<std::size_t>(found - saved.begin());
      const auto part = REPRISE_PASS(tree_part(reader, part_of(number)));
      REPRISE_TRY(container::extract_tree(part, *upper),
                  "filling the overlay at '" + mount.destination + "'");
    }
    const fs::path place = place_of(context) / std::to_string(mounted.size());
    REPRISE_PASS(mount_one(mount, place));
    mounted.emplace_back(mount.destination, place);
  }
  return mounted;
}

Result<void> unmount_overlays(const Context& context) {
  const fs::path place = place_of(context);
  std::error_code error;
  Result<void> first{};
  for (std::size_t number = 0;; ++number) {
    const fs::path one = place / std::to_string(number);
    if (!REPRISE_PASS(sys::exists(one))) break;
    if (auto done = sys::detach_mount(one); !done && first) first = std::move(done);
    // Only what is empty: never what is still mounted.
    fs::remove(one, error);
  }
  fs::remove(place, error);
  return first;
}

}  // namespace reprise::session
