// SPDX-License-Identifier: Apache-2.0
//
// File trees in a checkpoint: the contents of a tmpfs, which CRIU has unpacked, and those of the
// root file system, of /dev/shm and of volumes, which we have. By tar, as root.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/result.h"
#include "vetting/grants.h"
#include "vetting/rules.h"

namespace reprise::vetting {

// The names of the symbolic links in it, relative to its root. kDenied, naming it, for devices that
// the container does not have, and for attributes by which the overlay would show other files;
// kCorrupt for names that would leave the tree.
Result<std::set<std::string>> check_tree(const std::filesystem::path& file, const Grants& grants);

// Whether the way to `place` leads through one of `links`.
bool passes_link(const MadePlace& place, const std::set<std::string>& links);

}  // namespace reprise::vetting
