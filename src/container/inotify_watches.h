// SPDX-License-Identifier: Apache-2.0
//
// What a container watches with inotify or fanotify. The kernel tells CRIU inodes, which on overlay
// and tmpfs cannot be opened again; it needs paths, and is told them.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::container {

struct WatchedInode {
  dev_t device = 0;  // as stat(2) tells it
  std::uint64_t inode = 0;
  auto operator<=>(const WatchedInode&) const = default;
};

// Pure: the watches in the text of a /proc/PID/fdinfo/FD.
std::set<WatchedInode> parse_watches(std::string_view fdinfo);

// The watches of `init` and all its descendants.
std::set<WatchedInode> watches_of(const std::filesystem::path& proc, pid_t init);

struct DeletedWatch {
  pid_t process = 0;
  std::string file;  // as /proc tells it: with " (deleted)"
};

// Open files of `processes` that have no name any more, on overlay or tmpfs, among these inodes: no
// path leads to them.
std::vector<DeletedWatch> deleted_watches(const std::filesystem::path& proc,
                                          const std::vector<pid_t>& processes,
                                          const std::set<WatchedInode>& watches);

// Where these inodes are below `root`, as paths that begin there ("/etc/nginx"): the first one
// found of each. Walks the whole tree unless all are found earlier, with everything mounted in it,
// except for kernel file systems such as /proc. Blocks as long as that takes; the tree may change
// meanwhile.
std::vector<std::string> find_inodes(const std::filesystem::path& root,
                                     std::set<WatchedInode> inodes);

}  // namespace reprise::container
