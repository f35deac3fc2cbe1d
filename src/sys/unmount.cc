// SPDX-License-Identifier: Apache-2.0
#include "sys/unmount.h"

#include <sys/mount.h>

#include <cerrno>

namespace reprise::sys {

Result<void> detach_mount(const path& mount_point) {
  if (::umount2(mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == ENOENT || errno == EINVAL) return {};
  return base::fail_errno(errno, "unmounting '" + mount_point.string() + "'");
}

}  // namespace reprise::sys
