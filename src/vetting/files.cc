// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "vetting/rules.h"

namespace reprise::vetting {

using image::CriuFileKind;
using image::CriuOpenFile;

namespace {

bool is_plain_or_root(std::string_view path) { return path == "/" || is_plain_path(path); }

Result<void> check_kind(const CriuOpenFile& file, const Grants& grants, const std::string& who) {
  switch (static_cast<CriuFileKind>(file.kind)) {
    case CriuFileKind::kExternal:
      return more(who, "an open file of the host");
    case CriuFileKind::kBpfMap:
      if (!grants.may(kCapSysAdmin)) return more(who, "a BPF map");
      return {};
    case CriuFileKind::kFanotify:
      if (!grants.may(kCapSysAdmin)) return more(who, "a watch of whole file systems");
      return {};
    case CriuFileKind::kTun: {
      constexpr GrantedDevice kTun{.type = 'c', .major = 10, .minor = 200};
      if (!grants.devices.contains(kTun)) return more(who, "the device '/dev/net/tun'");
      return {};
    }
    case CriuFileKind::kPacketSocket:
      if (!grants.may(kCapNetRaw)) return more(who, "a packet socket");
      return {};
    case CriuFileKind::kInternetSocket: {
      constexpr std::uint64_t kRaw = 3;  // SOCK_RAW
      if (file.socket_type == kRaw && !grants.may(kCapNetRaw)) return more(who, "a raw socket");
      return {};
    }
    case CriuFileKind::kInotify:
      // By its number an inode can be had that lies in no directory of the container.
      if (file.by_handle) return more(who, "a file that is named by its inode");
      return {};
    case CriuFileKind::kRegular:
      if (file.external) return more(who, "an open file of the host");
      if (!is_plain_or_root(file.path)) return more(who, "the file '" + file.path + "'");
      return {};
    case CriuFileKind::kUnixSocket:
      if (file.path.contains("..")) return more(who, "the socket '" + file.path + "'");
      return {};
  }
  return {};
}

}  // namespace

Result<void> check_files(const std::vector<CriuOpenFile>& files,
                         const std::vector<image::CriuMount>& mounts, const Grants& grants) {
  for (const CriuOpenFile& file : files) {
    const std::string who = "open file " + std::to_string(file.id);
    REPRISE_PASS(check_kind(file, grants, who));
    if (file.mount != -1 && std::ranges::none_of(mounts, [&](const image::CriuMount& mount) {
          return static_cast<std::int64_t>(mount.id) == file.mount;
        }))
      return more(who, "a mount that is none of the container's");
  }
  return {};
}

bool is_granted_device(char type, std::uint64_t major, std::uint64_t minor, const Grants& grants) {
  return grants.may(kCapMknod) ||
         grants.devices.contains({.type = type, .major = major, .minor = minor});
}

Result<void> check_ghost(const image::CriuGhost& ghost, const Grants& grants,
                         const std::string& who) {
  if (!S_ISCHR(ghost.mode) && !S_ISBLK(ghost.mode)) return {};
  if (is_granted_device(S_ISBLK(ghost.mode) ? 'b' : 'c', gnu_dev_major(ghost.device),
                        gnu_dev_minor(ghost.device), grants))
    return {};
  return more(who, "the device " + std::to_string(gnu_dev_major(ghost.device)) + ":" +
                       std::to_string(gnu_dev_minor(ghost.device)));
}

std::vector<MadePlace> made_places(const std::vector<CriuOpenFile>& files,
                                   const std::vector<image::CriuRemap>& remaps,
                                   const std::vector<image::CriuMount>& mounts) {
  std::vector<MadePlace> places;
  const auto add = [&](std::uint64_t id) {
    for (const CriuOpenFile& file : files) {
      if (file.kind != static_cast<std::uint64_t>(CriuFileKind::kRegular) || file.id != id)
        continue;
      const auto mount = std::ranges::find_if(mounts, [&](const image::CriuMount& one) {
        return static_cast<std::int64_t>(one.id) == file.mount;
      });
      const std::string below = mount == mounts.end() ? "/" : mount->place;
      places.push_back(
          {.path = file.path, .mount = below, .device = mount == mounts.end() ? 0 : mount->device});
    }
  };
  constexpr std::uint64_t kRegularFile = 0;
  for (const image::CriuRemap& remap : remaps) {
    add(remap.file);
    if (remap.kind == kRegularFile) add(remap.from);
  }
  return places;
}

}  // namespace reprise::vetting
