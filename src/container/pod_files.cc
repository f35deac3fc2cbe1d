// SPDX-License-Identifier: Apache-2.0
#include "container/pod_files.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "container/pod_volumes.h"
#include "container/task_tree.h"
#include "sys/files.h"
#include "sys/proc_entries.h"

namespace reprise::container {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> kKindsWithMoments = {"secret", "configmap", "projected",
                                                               "downward-api"};
constexpr std::array<std::string_view, 3> kWrittenAnew = {"/etc/hosts", "/etc/hostname",
                                                          "/etc/resolv.conf"};

// The source of a mount, from the pod's own directory on; empty if it does not lie there.
std::string_view below_pod(const oci::Mount& mount, const std::string& uid) {
  const std::string directory = "/pods/" + uid + "/";
  const std::size_t at = mount.source.find(directory);
  if (uid.empty() || mount.type != "bind" || at == std::string::npos) return {};
  return std::string_view(mount.source).substr(at + directory.size());
}

bool has_moments(const oci::Mount& mount, const std::string& uid) {
  const std::string_view place = below_pod(mount, uid);
  return std::ranges::any_of(kKindsWithMoments, [place](std::string_view kind) {
    const std::string prefix = "volumes/kubernetes.io~" + std::string(kind) + "/";
    // The whole volume: in a part of one no path has the moment's name.
    return place.starts_with(prefix) && place.find('/', prefix.size()) == std::string_view::npos;
  });
}

bool is_termination_log(const oci::Mount& mount, const std::string& uid) {
  return below_pod(mount, uid).starts_with("containers/");
}

// All paths that the processes use, a line each.
std::string used_paths(const fs::path& proc, pid_t init, const std::vector<std::string>& watched) {
  std::string used;
  const auto add = [&used](const std::string& path) { (used += path) += '\n'; };
  for (const std::string& path : watched) add(path);
  for (const pid_t pid : processes_of(proc, init)) {
    const fs::path process = proc / std::to_string(pid);
    for (const sys::OpenFile& file : sys::open_files_of(process)) add(file.target);
    for (const char* link : {"cwd", "exe", "root"}) add(sys::link_target(process / link));
    add(sys::read_file(process / "maps").value_or(""));
  }
  return used;
}

}  // namespace

bool is_moment(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  return name.starts_with("..2") && name.size() <= kLongest && !name.contains('/');
}

std::vector<Moment> moments_in_use(const fs::path& proc, pid_t init, const oci::Spec& spec,
                                   const std::vector<std::string>& watched) {
  const std::string uid = pod_uid(spec);
  std::vector<Moment> found;
  std::string used;
  for (const oci::Mount& mount : spec.mounts) {
    if (!has_moments(mount, uid)) continue;
    if (used.empty()) used = used_paths(proc, init, watched);
    std::error_code error;
    for (fs::directory_iterator entry(mount.source, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!is_moment(name) || !fs::is_directory(entry->symlink_status())) continue;
      if (used.contains("/" + name + "/") || used.contains("/" + name + "\n"))
        found.push_back({.destination = mount.destination, .directory = entry->path()});
    }
  }
  return found;
}

std::optional<fs::path> volume_with_moments(const oci::Spec& spec, const std::string& destination) {
  const std::string uid = pod_uid(spec);
  for (const oci::Mount& mount : spec.mounts)
    if (mount.destination == destination && has_moments(mount, uid)) return mount.source;
  return std::nullopt;
}

std::optional<fs::path> termination_log(const oci::Spec& spec) {
  const std::string uid = pod_uid(spec);
  for (const oci::Mount& mount : spec.mounts)
    if (is_termination_log(mount, uid)) return mount.source;
  return std::nullopt;
}

std::set<std::string> files_of_one_pod(const oci::Spec& spec) {
  const std::string uid = pod_uid(spec);
  std::set<std::string> files;
  if (uid.empty()) return files;
  for (const oci::Mount& mount : spec.mounts)
    if (mount.type == "bind" &&
        (is_termination_log(mount, uid) ||
         std::ranges::find(kWrittenAnew, mount.destination) != kWrittenAnew.end()))
      files.insert(mount.destination);
  return files;
}

}  // namespace reprise::container
