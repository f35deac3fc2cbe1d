// SPDX-License-Identifier: Apache-2.0
//
// What CRIU saved of the mounts of a mount namespace: its image files `mountpoints-N.img`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// A directory of cgroup v1 that a container sees.
struct CgroupMount {
  std::string place;   // in the container: "/sys/fs/cgroup/memory"
  std::string cgroup;  // in that hierarchy: "/libpod_parent/libpod-8a09"
  std::string name;    // by which CRIU asks for it
  bool operator==(const CgroupMount&) const = default;
};

// What a restore is told to mount from outside, though it is the container's own.
struct OwnMounts {
  std::string file;  // the image, edited
  bool changed = false;
  std::vector<CgroupMount> cgroups;
};

// The container that was saved, and the one that it becomes.
struct Rename {
  std::string from;
  std::string to;
  std::string cgroup;  // the directory of the new one in each hierarchy; empty: not known
};

// runc masks a file by a bind mount of the container's own /dev/null, and shows a container its
// cgroups by bind mounts of their directories, but has CRIU save both as mounts from outside. For
// the former a restore gets the host's device, for the latter the cgroup of whoever restores. From
// the whole contents of such a file: one in which masked files are bound to what they were bound
// to, and cgroups below one of `cgroup_mounts` (destinations: "/sys/fs/cgroup") have a name by
// which we can say where they are: in the new container's cgroup, or, where that is not known,
// where they were but with its id. kCorrupt if it is anything else.
//
// Mounts from outside with one of the destinations `elsewhere` get a name that runc does not know,
// by_name(): what runc says of the others' sources counts more to CRIU than what we say.
base::Result<OwnMounts> own_mounts(std::string_view file,
                                   const std::vector<std::string>& cgroup_mounts,
                                   const Rename& container,
                                   const std::vector<std::string>& elsewhere = {});
std::string by_name(const std::string& destination);

// The source of a mount from outside may be replaced while the container runs: an editor renames a
// new file into place, a deploy makes a directory anew. CRIU notes that the mounted one was
// deleted, and makes one for the restore, which fails, since there is one. From the whole contents
// of such a file: one by which mounts from outside are bound to what is there now; nullopt where
// that is so already. kCorrupt if it is anything else.
base::Result<std::optional<std::string>> forget_deleted_sources(std::string_view file);

}  // namespace reprise::image
