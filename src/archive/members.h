// SPDX-License-Identifier: Apache-2.0
//
// What members a checkpoint's archive has, and what each is for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "archive/tar.h"

namespace reprise::archive {

inline constexpr std::string_view kConfigDump = "config.dump";
inline constexpr std::string_view kSpecDump = "spec.dump";
inline constexpr std::string_view kNetworkStatus = "network.status";
inline constexpr std::string_view kDeletedFiles = "deleted.files";
inline constexpr std::string_view kImages = "checkpoint";  // a directory
inline constexpr std::string_view kRootfsDiff = "rootfs-diff.tar";
inline constexpr std::string_view kShm = "devshm-checkpoint.tar";
inline constexpr std::string_view kContainerdStatus = "status.dump";  // only containerd's have it

// CRIU's image of which there is exactly one in every dump.
inline constexpr std::string_view kInventory = "inventory.img";

enum class Use : std::uint8_t {
  kImage,    // one of CRIU's images, directly in checkpoint/
  kText,     // small, to be parsed
  kTree,     // a tar archive of files
  kVolume,   // a tar archive of a named volume
  kNothing,  // logs, statistics, what later versions add
};
struct Member {
  std::string name;  // canonical
  Use use = Use::kNothing;
};

// kCorrupt, naming it, for a member whose name is not safe or that is neither file nor directory,
// and for images that are not where they belong. kUnsupported for an archive that continues an
// earlier one (`--with-previous`).
Result<Member> classify(const Entry& entry);

}  // namespace reprise::archive
