// SPDX-License-Identifier: Apache-2.0
//
// Root file system changes and other file trees, kept as GNU tar archives: owners, modes, times,
// hard links, sparse files, devices, sockets left out, and all extended attributes. Overlay
// whiteouts (character devices 0/0) and opaque marks (trusted.overlay.*) are part of an upper
// directory and travel as they are.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace reprise::container {

// The upper directory of the overlay that is mounted at `rootfs`; nullopt if `rootfs` is not an
// overlay (a plain directory, as with `podman run --rootfs`).
base::Result<std::optional<std::string>> overlay_upper(const std::filesystem::path& rootfs);

// Writes the contents of `directory` to the archive `file` (created, 0600). Blocks as long as the
// copy takes; nobody may change the tree meanwhile. On failure a partial file may be left.
base::Result<void> archive_tree(const std::filesystem::path& directory,
                                const std::filesystem::path& file);

// Unpacks into the existing directory `directory`, on top of what is there. The archive must be one
// of ours. Not atomic.
base::Result<void> extract_tree(const std::filesystem::path& file,
                                const std::filesystem::path& directory);

// Removes everything inside `directory`, but not the directory. For a tmpfs that was filled for a
// restore that failed.
base::Result<void> empty_directory(const std::filesystem::path& directory);

}  // namespace reprise::container
