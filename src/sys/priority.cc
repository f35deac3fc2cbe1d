// SPDX-License-Identifier: Apache-2.0
#include "sys/priority.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace reprise::sys {

base::Result<void> lower_priority() {
  constexpr int kLowest = 19;
  constexpr int kLast = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1);
  if (::setpriority(PRIO_PROCESS, 0, kLowest) != 0)
    return base::fail_errno(errno, "lowering the priority");
  // glibc has no function for it.
  if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, kLast) != 0)
    return base::fail_errno(errno, "lowering the priority at the disk");
  return {};
}

}  // namespace reprise::sys
