// SPDX-License-Identifier: Apache-2.0
//
// The root file system of a container that was made anew, and the changes of a checkpoint that are
// to be its own.
//
// What a container changes lies in the upper directory of an overlay. The kernel allows changes to
// that directory only while the overlay is not mounted, but whoever calls an OCI runtime has
// mounted it already. So the directory is exchanged: unmount, rename, mount again as it was found.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace reprise::container {

// Tells whether an upper directory is the one that a checkpoint was taken of: its path, inode
// number and time of birth. (The device's number would not outlive a reboot.)
base::Result<std::string> identity_of_upper(const std::filesystem::path& upper);

// Puts the contents of `archive` (see archive_tree) in the place of all changes of the overlay that
// is mounted at `rootfs`. Blocks as long as the unpacking takes; the overlay is unmounted only for
// a moment at the end. Writes `notes` before it changes anything; they are of use until a reboot.
// kUnsupported if `rootfs` is no overlay, or one that could not be mounted again as it is; kBusy if
// somebody uses it. After a failure call undo_exchange().
base::Result<void> exchange_changes(const std::filesystem::path& rootfs,
                                    const std::filesystem::path& archive,
                                    const std::filesystem::path& notes);

// The root file system is as it was before exchange_changes(), whenever that was interrupted.
// Nothing may run on it. Without `notes` there is nothing to undo: success. May be repeated.
base::Result<void> undo_exchange(const std::filesystem::path& notes);

// Removes what was there before, for good, and `notes`. Without `notes`: success.
base::Result<void> keep_exchange(const std::filesystem::path& notes);

}  // namespace reprise::container
