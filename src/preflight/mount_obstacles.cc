// SPDX-License-Identifier: Apache-2.0
#include "preflight/mount_obstacles.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "container/pod_volumes.h"
#include "container/volumes.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "sys/files.h"

namespace reprise::preflight {
namespace {

using std::filesystem::path;

// Of these there is one for the whole host: a new mount shows the same.
constexpr std::array<std::string_view, 9> kOfTheHost = {"cgroup",      "cgroup2",    "debugfs",
                                                        "tracefs",     "securityfs", "pstore",
                                                        "binfmt_misc", "fusectl",    "selinuxfs"};

// What CRIU 4.2 can make anew (criu/filesystems.c).
constexpr std::array<std::string_view, 19> kCanBeMade = {
    "proc",    "sysfs",  "devtmpfs", "binfmt_misc", "tmpfs",   "devpts",  "btrfs",
    "pstore",  "mqueue", "debugfs",  "securityfs",  "fusectl", "tracefs", "cgroup",
    "cgroup2", "aufs",   "fuse",     "overlay",     "autofs"};

template <typename Names>
bool is_one_of(const Names& names, const std::string& type) {
  return std::ranges::find(names, std::string_view(type)) != names.end();
}

// Where on the host this mount's contents are, if it lies below the bind mount; else nothing.
std::string on_host(const oci::Mount& bind, const std::string& place) {
  if (bind.type != "bind") return {};
  const std::string below =
      bind.destination.ends_with('/') ? bind.destination : bind.destination + "/";
  if (!place.starts_with(below)) return {};
  const std::string rest = place.substr(below.size());
  return bind.source.ends_with('/') ? bind.source + rest : bind.source + "/" + rest;
}

// Where the host has the same file system mounted; empty if it has not.
std::string place_on_host(const oci::Spec& spec, const sys::Mount& mount,
                          const std::vector<sys::Mount>& host) {
  for (const oci::Mount& bind : spec.mounts) {
    const std::string place = on_host(bind, mount.mount_point);
    if (!place.empty() && std::ranges::any_of(host, [&](const sys::Mount& one) {
          return one.mount_point == place && one.device == mount.device;
        }))
      return place;
  }
  return {};
}

// A copy of it is as good: with version 1 of cgroups, a tmpfs that holds nothing but their mounts.
bool may_be_made_anew(const sys::Mount& mount, const std::string& place) {
  return is_one_of(kOfTheHost, mount.type) || place == "/sys/fs/cgroup";
}

bool is_in_specification(const oci::Spec& spec, const std::string& place) {
  return std::ranges::any_of(spec.mounts,
                             [&](const oci::Mount& one) { return one.destination == place; });
}

// Sources of bind mounts may be named otherwise in the container, through links in its paths.
std::set<std::string> devices_of_sources(const oci::Spec& spec) {
  std::set<std::string> devices;
  for (const oci::Mount& mount : spec.mounts) {
    struct stat status{};
    if (mount.type == "bind" && ::stat(mount.source.c_str(), &status) == 0)
      devices.insert(std::to_string(::major(status.st_dev)) + ":" +
                     std::to_string(::minor(status.st_dev)));
  }
  return devices;
}

Obstacle describe_inner(const std::vector<const sys::Mount*>& inner) {
  std::string text = "is a mount of the host (" + inner.front()->type + ") in a bind mount";
  if (inner.size() > 1) text += ", one of " + std::to_string(inner.size());
  return {"'" + inner.front()->mount_point + "'",
          std::move(text) + ": a restore would make another",
          "mount the directory without what is mounted in it: --mount "
          "type=bind,bind-nonrecursive,src=…,dst=…"};
}

// Their files can be mapped, and not be written.
void judge_huge_pages(const oci::Spec& spec, const std::vector<sys::Mount>& host,
                      std::vector<Obstacle>& found) {
  for (const container::Volume& volume : container::empty_directories(spec)) {
    std::error_code error;
    const auto mounted =
        std::ranges::find(host, volume.directory.string(), &sys::Mount::mount_point);
    if (mounted == host.end() || mounted->type != "hugetlbfs" ||
        std::filesystem::is_empty(volume.directory, error) || error)
      continue;
    found.push_back({"emptyDir '" + volume.name + "'",
                     "lies in huge pages (hugetlbfs), whose files cannot be written anew",
                     "use medium 'Memory', or map huge pages without a file (MAP_HUGETLB)"});
  }
}

}  // namespace

std::vector<Obstacle> judge_mounts(const oci::Spec& spec, const SeenMounts& seen) {
  const std::set<std::string> outside = devices_of_sources(spec);
  std::vector<Obstacle> found;
  std::vector<const sys::Mount*> inner;
  const auto root = std::ranges::find(seen.inside, "/", &sys::Mount::mount_point);
  const std::string root_device = root == seen.inside.end() ? "" : root->device;
  for (const sys::Mount& mount : seen.inside) {
    if (mount.mount_point == "/") continue;
    const bool given = is_in_specification(spec, mount.mount_point);
    if (("," + mount.mount_options + ",").contains(",idmapped,"))
      found.push_back({"the mount '" + mount.mount_point + "'",
                       "shows other owners than its files have (idmap), which cannot be restored",
                       "mount it without 'idmap'"});
    const std::string place = given ? std::string() : place_on_host(spec, mount, seen.host);
    if (!place.empty()) {
      if (!may_be_made_anew(mount, place)) inner.push_back(&mount);
      continue;
    }
    // The directories that it is made of are named as in the container, and CRIU looks for them on
    // the host. A part of the root file system is a bind mount.
    if (mount.type == "overlay" && !given && mount.device != root_device &&
        !outside.contains(mount.device)) {
      found.push_back({"the mount '" + mount.mount_point + "'",
                       "is an overlay that a program made, which cannot be restored",
                       "have the program unmount it, or have Podman mount it (--volume …:O)"});
      continue;
    }
    if (is_one_of(kCanBeMade, mount.type) || mount.root != "/" || outside.contains(mount.device))
      continue;
    found.push_back({"the mount '" + mount.mount_point + "'",
                     "is of the kind '" + mount.type + "', which cannot be saved",
                     given ? "use a tmpfs (--tmpfs) or a volume there"
                           : "have the program unmount it, or have Podman mount it (--volume)"});
  }
  if (!inner.empty()) found.push_back(describe_inner(inner));
  judge_huge_pages(spec, seen.host, found);
  return found;
}

std::vector<Obstacle> examine_mounts(const path& proc, pid_t init, const oci::Spec& spec,
                                     const path& bundle) {
  const auto inside = sys::read_file(proc / std::to_string(init) / "mountinfo");
  const auto host = sys::read_file(proc / "self/mountinfo");
  if (!inside || !host) return {};
  const SeenMounts seen{.inside = sys::parse_mountinfo(*inside),
                        .host = sys::parse_mountinfo(*host)};
  std::vector<Obstacle> found = judge_mounts(spec, seen);
  if (const auto wishes = oci::parse_wishes(spec.annotations); wishes && wishes->include_volumes)
    return found;
  for (const container::Volume& volume : container::podman_volumes(spec, bundle)) {
    std::error_code error;
    const auto mounted =
        std::ranges::find(seen.host, volume.directory.string(), &sys::Mount::mount_point);
    if (mounted == seen.host.end() || (mounted->type != "tmpfs" && mounted->type != "ramfs") ||
        std::filesystem::is_empty(volume.directory, error) || error)
      continue;
    found.push_back({"volume '" + volume.name + "'",
                     "lives in memory (" + mounted->type +
                         "), and Podman unmounts it at every stop: its files would be lost",
                     "use --tmpfs in its place, which belongs to checkpoints"});
  }
  return found;
}

}  // namespace reprise::preflight
