// SPDX-License-Identifier: Apache-2.0
//
// The bundle: our programs with all that they need, in a directory of its own for each version
// below /opt/reprise. `current` there names the one that new calls use.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace reprise::install {

// Lays the bundle in directory `source` below `home` as `name`, unless it is there, and makes it
// the current one. Atomic, in each of both steps: whatever happens, `current` names a whole bundle.
// The one that was current stays, since programs of it run, and start others of it; older ones go,
// except those of which a program runs. Durable on return.
base::Result<void> lay_bundle(const std::filesystem::path& source, const std::string& name,
                              const std::filesystem::path& home);

// Removes all of `home`.
base::Result<void> remove_bundles(const std::filesystem::path& home);

}  // namespace reprise::install
