// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sys/files.h"

namespace reprise::sys {

// Takes the topmost mount off `mount_point` at once, and frees it when nobody uses it any more.
// Nothing mounted there, or no such directory: success. Does not follow a symbolic link.
Result<void> detach_mount(const path& mount_point);

}  // namespace reprise::sys
