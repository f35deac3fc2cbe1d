// SPDX-License-Identifier: Apache-2.0
#include "container/pod_volumes.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <utility>

#include "container/shared_memory.h"
#include "oci/cri.h"
#include "sys/files.h"
#include "sys/mountinfo.h"
#include "sys/proc_entries.h"

namespace reprise::container {

using base::Result;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEmptyDirectories = "volumes/kubernetes.io~empty-dir";
constexpr const char* kFilledFrom = "trusted.reprise.filled-from";

// Of "PREFIX/A/B": "A".
std::string next_name(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || path.size() <= prefix.size() || path[prefix.size()] != '/')
    return {};
  const std::string_view rest = path.substr(prefix.size() + 1);
  return std::string(rest.substr(0, rest.find('/')));
}

std::string volume_name(std::string_view in_pod) {
  std::string name = next_name(in_pod, kEmptyDirectories);
  return name.empty() ? next_name(in_pod, "volume-subpaths") : name;
}

bool is_directory_itself(const fs::path& place) {
  struct stat status{};
  return ::lstat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// systemd's cgroups have the UID with underscores.
bool is_cgroup_of_pod(const std::string& cgroups, const std::string& uid) {
  std::string escaped = uid;
  std::ranges::replace(escaped, '-', '_');
  return cgroups.contains("pod" + uid) || cgroups.contains("pod" + escaped);
}

// How the mounts of a container tell that one of them is of the volume.
struct MountedAs {
  std::string device;  // of a volume that is a file system of its own; else empty
  std::string root;    // a part of what the file system calls the directory
};

Result<MountedAs> how_mounted(const std::string& uid, const Volume& volume) {
  MountedAs as{.device = {},
               .root = "/pods/" + uid + "/" + std::string(kEmptyDirectories) + "/" + volume.name};
  if (const auto own = REPRISE_PASS(sys::find_mount(volume.directory))) as.device = own->device;
  return as;
}

bool is_of(const sys::Mount& mount, const MountedAs& as) {
  if (!as.device.empty()) return mount.device == as.device;
  const std::size_t at = mount.root.find(as.root);
  if (at == std::string::npos) return false;
  const std::size_t end = at + as.root.size();
  return end == mount.root.size() || mount.root[end] == '/';
}

}  // namespace

std::string pod_uid(const oci::Spec& spec) {
  const auto pod = oci::pod_container(spec.annotations);
  return pod ? pod->uid : std::string();
}

std::vector<Volume> empty_directories(const oci::Spec& spec) {
  const std::string uid = pod_uid(spec);
  if (uid.empty()) return {};
  const std::string pod_directory = "/pods/" + uid + "/";
  std::map<std::string, Volume> found;
  for (const oci::Mount& mount : spec.mounts) {
    const std::size_t at = mount.source.find(pod_directory);
    if (mount.type != "bind" || at == std::string::npos) continue;
    const std::size_t end = at + pod_directory.size();
    const std::string name = volume_name(std::string_view(mount.source).substr(end));
    if (name.empty() || name == "..") continue;
    const fs::path directory = fs::path(mount.source.substr(0, end)) / kEmptyDirectories / name;
    // A part of another kind of volume, else.
    if (!is_directory_itself(directory)) continue;
    Volume& volume = found[name];
    volume.name = name;
    volume.directory = directory;
    volume.destinations.push_back(mount.destination);
  }
  std::vector<Volume> volumes;
  for (auto& [name, volume] : found) volumes.push_back(std::move(volume));
  return volumes;
}

Result<bool> is_used_in_pod(const fs::path& proc, const std::string& uid, const Volume& volume) {
  const MountedAs as = REPRISE_PASS(how_mounted(uid, volume));
  for (const pid_t pid : sys::processes_in(proc)) {
    const fs::path process = proc / std::to_string(pid);
    // One that has gone uses nothing.
    if (!is_cgroup_of_pod(sys::read_file(process / "cgroup").value_or(""), uid)) continue;
    const auto mounts = sys::parse_mountinfo(sys::read_file(process / "mountinfo").value_or(""));
    if (std::ranges::any_of(mounts, [&as](const sys::Mount& one) { return is_of(one, as); }))
      return true;
  }
  return false;
}

Result<std::optional<std::string>> filled_from(const Volume& volume) {
  return read_mark(volume.directory, kFilledFrom);
}

Result<void> mark_filled(const Volume& volume, const std::string& uid) {
  return write_mark(volume.directory, kFilledFrom, uid);
}

Result<void> unmark_filled(const fs::path& directory) {
  return remove_mark(directory, kFilledFrom);
}

}  // namespace reprise::container
