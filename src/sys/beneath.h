// SPDX-License-Identifier: Apache-2.0
//
// Opening files by names that come from elsewhere, without ever leaving a directory.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/result.h"
#include "sys/unique_fd.h"

namespace reprise::sys {

// openat2(2) of `name` below `root` with O_CLOEXEC: no absolute name, no "..", and no symbolic link
// on the way is followed, whatever somebody puts there meanwhile. "." is `root` itself; names may
// be longer than PATH_MAX. kDenied for a name that would leave, or that passes through a link;
// kNotFound and other errnos as open(2).
base::Result<UniqueFd> open_beneath(const UniqueFd& root, const std::filesystem::path& name,
                                    int flags, mode_t mode = 0);
// The same below the directory with that path, which is followed as it is.
base::Result<UniqueFd> open_beneath(const std::filesystem::path& root,
                                    const std::filesystem::path& name, int flags, mode_t mode = 0);

}  // namespace reprise::sys
