// SPDX-License-Identifier: Apache-2.0
//
// Open files, network namespaces and cgroups as CRIU's images tell them: files.img,
// remap-fpath.img, ghost-file-N.img, netns-N.img, pidns-N.img and cgroup.img, read strictly
// (image/criu_message.h). Pure; errors are kCorrupt or kUnsupported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// CRIU's numbers of kinds of open files.
enum class CriuFileKind : std::uint8_t {
  kRegular = 1,
  kInternetSocket = 4,
  kUnixSocket = 5,
  kInotify = 8,
  kPacketSocket = 10,
  kFanotify = 12,
  kTun = 15,
  kExternal = 16,
  kBpfMap = 19,
};

struct CriuOpenFile {
  std::uint64_t kind = 0;  // a CriuFileKind, or another up to 22
  std::uint64_t id = 0;
  std::string path;               // of a regular file or a UNIX socket that has one
  std::int64_t mount = -1;        // id of the mount that it lies on
  std::uint64_t socket_type = 0;  // of internet sockets: SOCK_*
  bool external = false;          // to be had from outside of the container
  bool by_handle = false;         // watches an inode by its number, not by its path
};
base::Result<std::vector<CriuOpenFile>> decode_files(std::string_view file);

// A file that is to be made before others are opened.
struct CriuRemap {
  std::uint64_t file = 0;  // id of the regular file that has no name (any more)
  std::uint64_t from = 0;  // id of a ghost file, a regular file or a process
  std::uint64_t kind = 0;  // 0: a regular file, 1: a ghost file, 2: a process
};
base::Result<std::vector<CriuRemap>> decode_remaps(std::string_view file);

struct CriuGhost {
  std::uint64_t mode = 0;
  std::uint64_t device = 0;  // of a device
};
base::Result<CriuGhost> decode_ghost(std::string_view file);

// The key under which a network or process id namespace comes from outside; empty: CRIU makes it.
base::Result<std::string> decode_network_key(std::string_view file);
base::Result<std::string> decode_pid_key(std::string_view file);

struct CriuCgroupPlace {
  std::string controller;
  std::string path;                               // as of the host that was dumped
  std::optional<std::uint64_t> namespace_prefix;  // that many bytes of `path` are the ns' root
};
struct CriuCgroups {
  struct Set {
    std::uint64_t id = 0;
    std::vector<CriuCgroupPlace> places;
  };
  struct Controller {
    std::vector<std::string> names;        // several if mounted together
    std::vector<std::string> directories;  // without their first '/'
  };
  std::vector<Set> sets;
  std::vector<Controller> controllers;
  std::vector<std::string> names;  // of directories below those and of properties
};
base::Result<CriuCgroups> decode_cgroups(std::string_view file);
// Without `names`, and with the directories alone: no properties.
std::string encode_cgroups(const CriuCgroups& cgroups);

}  // namespace reprise::image
