// SPDX-License-Identifier: Apache-2.0
//
// Unpacks what GNU tar cannot: it makes each file by its whole path, and the kernel takes no path
// that is longer than PATH_MAX. Programs make such trees by changing into each directory.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace reprise::container {

// Whether paths that are too long are all that tar complains about.
bool only_paths_too_long(std::string_view tar_said);

// The name that `tar --quoting-style=escape` writes so. Pure.
std::string unescaped(std::string_view name);

// The rest of `archive`, after tar has unpacked into `directory` what it can. Reads the archive
// once for every 3000 characters of the longest path.
base::Result<void> extract_deep_paths(const std::filesystem::path& archive,
                                      const std::filesystem::path& directory);

}  // namespace reprise::container
