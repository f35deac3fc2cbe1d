// SPDX-License-Identifier: Apache-2.0
//
// Root file system changes and other file trees, kept as GNU tar archives: owners, modes, times,
// hard links, sparse files, devices and all extended attributes. Sockets, which tar cannot hold,
// lie beside the archive in FILE.sockets, if there are any. Overlay whiteouts (character devices
// 0/0) and opaque marks (trusted.overlay.*) are part of an upper directory and travel as they are.
// Not kept: access times, inode flags (chattr), attributes of sockets.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "sys/files.h"

namespace reprise::container {

inline constexpr const char* kSocketsSuffix = ".sockets";

// The upper directory of the overlay that is mounted at `rootfs`; nullopt if `rootfs` is not an
// overlay (a plain directory, as with `podman run --rootfs`).
base::Result<std::optional<std::string>> overlay_upper(const std::filesystem::path& rootfs);

// Whether somebody may write in a tree while it is copied. With kOthers, what changes meanwhile is
// kept as it was found, half written or not; with kNone that is an error.
enum class Writers : unsigned char { kNone, kOthers };

// Writes the contents of `directory` as an archive to `out`, a pipe or a file, and returns what
// belongs into FILE.sockets: nothing if there are none. Blocks as long as the copy takes.
base::Result<std::string> archive_tree(const std::filesystem::path& directory, int out,
                                       Writers writers = Writers::kNone);

// Unpacks into the existing directory `directory`, on top of what is there. The archive must be one
// of ours. Not atomic.
base::Result<void> extract_tree(const std::filesystem::path& file,
                                const std::filesystem::path& directory);

// Whether `directory` holds what was archived, no more and no less; contents, owners, modes and
// times of last change count. Reads all of both.
base::Result<bool> tree_equals(const std::filesystem::path& file,
                               const std::filesystem::path& directory);

// Moves everything inside `directory` to the new directory `aside`, on the same file system. A
// crash in between is undone by put_contents_back.
base::Result<void> put_contents_aside(const std::filesystem::path& directory,
                                      const std::filesystem::path& aside);
// Removes what `directory` holds and moves everything from `aside` back, which is then gone.
// Success, and nothing is touched, if nothing is aside. Can be repeated after a crash.
base::Result<void> put_contents_back(const std::filesystem::path& directory,
                                     const std::filesystem::path& aside);

// Owner, mode and times. Follows no symbolic links.
base::Result<void> copy_attributes(const std::filesystem::path& from,
                                   const std::filesystem::path& to);

using sys::empty_directory;

}  // namespace reprise::container
