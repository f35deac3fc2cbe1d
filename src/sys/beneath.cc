// SPDX-License-Identifier: Apache-2.0
#include "sys/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace reprise::sys {

base::Result<UniqueFd> open_beneath(const UniqueFd& root, const std::string& name, int flags,
                                    mode_t mode) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // glibc has no wrapper for it up to 2.41.
  const long fd = ::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  const int error_number = errno;
  if (error_number == EXDEV || error_number == ELOOP)
    return base::fail(base::ErrorCode::kDenied,
                      "opening '" + name + "': it leads out of its directory, or through a link");
  return base::fail_errno(error_number, "opening '" + name + "'");
}

}  // namespace reprise::sys
