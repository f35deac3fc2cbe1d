// SPDX-License-Identifier: Apache-2.0
//
// Walks a tree of files of any depth: paths longer than the kernel takes in one call (PATH_MAX) are
// nothing special, since each step is relative to a directory that is open.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "base/result.h"
#include "sys/files.h"

namespace reprise::sys {

struct WalkEntry {
  int directory = -1;       // in which it lies, open
  const std::string& name;  // in there
  const std::string& path;  // relative to the top; for people and lists, not for system calls
  const struct stat& status;
};

enum class Descend : std::uint8_t { kYes, kNo };

// Called once for each entry but the top, directories before what is in them, by name. What it
// returns counts for directories. An error ends the walk.
using Visitor = std::function<Result<Descend>(const WalkEntry&)>;

// Follows no symbolic links, and crosses into other file systems unless the visitor says no. What
// is removed during the walk is left out; kBusy if a directory above is moved meanwhile. Holds two
// descriptors, whatever the depth. Its errors name the entry that they are about.
Result<void> walk_tree(const path& top, const Visitor& visitor);

}  // namespace reprise::sys
