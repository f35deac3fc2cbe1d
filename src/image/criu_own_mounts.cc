// SPDX-License-Identifier: Apache-2.0
#include "image/criu_own_mounts.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "criu_mount.pb.h"
#include "image/internal/criu_file.h"

namespace reprise::image {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::string_view kNull = "/dev/null";

using Devices = std::set<std::uint32_t>;

// The file systems that CRIU makes for the container, whole.
Devices own_file_systems(const std::vector<criu::Mount>& mounts) {
  Devices devices;
  for (const criu::Mount& mount : mounts)
    if (mount.ext_key().empty() && mount.root() == "/") devices.insert(mount.root_dev());
  return devices;
}

// By a device of the container's own '/dev'. Those in a user namespace have the host's, as have
// containers that an earlier version restored: CRIU could not bind that.
bool masks_a_file(const criu::Mount& mount, const Devices& own) {
  return mount.ext_key() == kNull && mount.mountpoint() != kNull && mount.root() == "/null" &&
         own.contains(mount.root_dev());
}

// A cgroup of the container that was saved, which is named by its id, or one in it.
std::string in_new_container(std::string cgroup, std::size_t id, const Rename& container) {
  if (container.cgroup.empty()) return cgroup.replace(id, container.from.size(), container.to);
  const std::size_t end = cgroup.find('/', id);
  return container.cgroup + (end == std::string::npos ? "" : cgroup.substr(end));
}

// nullopt where it is none of the container's own.
std::optional<CgroupMount> cgroup_of(const criu::Mount& mount,
                                     const std::vector<std::string>& cgroup_mounts,
                                     const Rename& container) {
  constexpr std::uint32_t kCgroup = 12;
  const std::string& place = mount.ext_key();
  const std::size_t id = mount.root().find(container.from);
  const auto lies_in = [&place](const std::string& top) { return place.starts_with(top + "/"); };
  if (mount.fstype() != kCgroup || mount.mountpoint() != place || id == std::string::npos ||
      container.from.empty() || std::ranges::none_of(cgroup_mounts, lies_in))
    return std::nullopt;
  return CgroupMount{.place = place,
                     .cgroup = in_new_container(mount.root(), id, container),
                     .name = "own-cgroup" + place};
}

// Whether a restore is told something else of it than the image says.
bool rename(criu::Mount& mount, const std::vector<std::string>& elsewhere) {
  if (mount.ext_key().empty() || std::ranges::find(elsewhere, mount.ext_key()) == elsewhere.end())
    return false;
  mount.set_ext_key(by_name(mount.ext_key()));
  return true;
}

// An image with its mounts, each beside the bytes that it was read from.
struct Mounts {
  CriuMessages image;
  std::vector<criu::Mount> all;
};

Result<Mounts> read_mounts(std::string_view file) {
  CriuMessages image =
      REPRISE_PASS(all_messages(file, kCriuImageMagic, kMountsMagic, "an image of mounts"));
  std::vector<criu::Mount> mounts(image.messages.size());
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const std::string_view message = image.messages[i];
    if (!mounts[i].ParseFromArray(message.data(), static_cast<int>(message.size())))
      return base::fail(ErrorCode::kCorrupt, "an image of mounts of CRIU is damaged");
  }
  return Mounts{.image = std::move(image), .all = std::move(mounts)};
}

}  // namespace

std::string by_name(const std::string& destination) { return "elsewhere" + destination; }

Result<OwnMounts> own_mounts(std::string_view file, const std::vector<std::string>& cgroup_mounts,
                             const Rename& container, const std::vector<std::string>& elsewhere) {
  auto [image, mounts] = REPRISE_PASS(read_mounts(file));
  const Devices own_devices = own_file_systems(mounts);
  OwnMounts own{.file = std::string(image.head), .changed = false, .cgroups = {}};
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    criu::Mount& mount = mounts[i];
    auto cgroup = cgroup_of(mount, cgroup_mounts, container);
    const bool renamed = !cgroup && rename(mount, elsewhere);
    if (!cgroup && !renamed && !masks_a_file(mount, own_devices)) {
      append_message(own.file, image.messages[i]);
      continue;
    }
    own.changed = true;
    if (renamed) {
      append_message(own.file, mount.SerializeAsString());
      continue;
    }
    if (cgroup) {
      mount.set_ext_key(cgroup->name);
      own.cgroups.push_back(std::move(*cgroup));
    } else {
      mount.clear_ext_key();
    }
    append_message(own.file, mount.SerializeAsString());
  }
  return own;
}

Result<std::optional<std::string>> forget_deleted_sources(std::string_view file) {
  auto [image, mounts] = REPRISE_PASS(read_mounts(file));
  std::string edited(image.head);
  bool changed = false;
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    criu::Mount& mount = mounts[i];
    const bool mends = mount.has_deleted() && (mount.has_ext_key() || mount.has_ext_mount());
    mount.clear_deleted();
    append_message(edited, mends ? mount.SerializeAsString() : std::string(image.messages[i]));
    changed |= mends;
  }
  if (!changed) return std::nullopt;
  return edited;
}

}  // namespace reprise::image
