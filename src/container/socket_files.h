// SPDX-License-Identifier: Apache-2.0
//
// The files of UNIX sockets in a file tree, which no archive format of tar can hold. A program that
// listens, or once did, expects its file to be there.
//
// They are kept as a list: for each "MODE UID GID SECONDS NANOSECONDS PATH" and a NUL; the mode in
// octal, without the file's type; the time of the last change; the path relative to the tree.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reprise::container {

// The list for the sockets below `directory`; empty if there are none. Does not cross mount points.
base::Result<std::string> list_sockets(const std::filesystem::path& directory);

// Makes the sockets of `list` below `directory`, instead of what is there under their names; their
// directories must be there, and keep their times. kInvalidInput for a path that would lead out of
// `directory`, kCorrupt for text that is no such list.
base::Result<void> make_sockets(std::string_view list, const std::filesystem::path& directory);

// As make_sockets(), but what is there is left alone: the sockets that CRIU has bound.
base::Result<void> make_missing_sockets(std::string_view list,
                                        const std::filesystem::path& directory);

// The list for the sockets on all tmpfs mounts that process `init` sees, below its root. Without
// those at `except`, mount points that are not the container's own.
base::Result<std::string> list_tmpfs_sockets(pid_t init, const std::vector<std::string>& except);

}  // namespace reprise::container
