// SPDX-License-Identifier: Apache-2.0
//
// The files of UNIX sockets that are not (only) where the socket was bound: supervisord and ssh
// bind under a temporary name and then link or rename the file.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "attributes/socket_options.h"
#include "base/result.h"

namespace reprise::attributes {

// Of the socket `fd` of a container with this root ("/proc/PID/root"); nothing for a socket without
// a file, or whose file is where it was bound and nowhere else. Looks for other names in the
// directory of that.
std::optional<UnixFile> moved_file(int fd, const std::filesystem::path& root);

// CRIU has bound the socket: gives its file the other names that it had, instead of what is there,
// and takes the first one away if it was gone.
base::Result<void> move_file(const UnixFile& file, const std::filesystem::path& root);

}  // namespace reprise::attributes
