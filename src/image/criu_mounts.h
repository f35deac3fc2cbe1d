// SPDX-License-Identifier: Apache-2.0
//
// The mounts of a container as CRIU's images tell them: mountpoints-NS.img, read strictly
// (image/criu_message.h). Pure; errors are kCorrupt or kUnsupported.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::image {

// CRIU's numbers of those that a container may have; whatever else is kOther.
enum class CriuFileSystem : std::uint8_t {
  kOther,
  kProc,
  kSysfs,
  kTmpfs,
  kDevpts,
  kMqueue,
  kCgroup,  // of either version
};

struct CriuMount {
  std::string place;  // where it is mounted; "/" for the root
  std::string root;   // what of the file system is mounted there
  std::string source;
  std::string options;
  std::string external;  // key of an external mount; empty: CRIU makes it
  CriuFileSystem kind = CriuFileSystem::kOther;
  std::uint64_t kind_number = 0;
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // the id of the mount that it lies on
  std::uint64_t device = 0;
  std::uint64_t flags = 0;         // MS_*, those of the mount and those of the file system
  std::uint64_t mount_flags = 0;   // those of the mount alone
  std::uint64_t shared = 0;        // peer group, 0: none
  std::uint64_t master = 0;        // peer group that it follows
  bool sharing_ends_here = false;  // `shared` has no peers outside of the container
  // Ways of CRIU that containers under runc do not use: plugins, deleted sources, other notations.
  bool unusual = false;
};

base::Result<std::vector<CriuMount>> decode_mounts(std::string_view file);

}  // namespace reprise::image
