// SPDX-License-Identifier: Apache-2.0
//
// Options for CRIU that runc has no flags for, given by a file that the environment variable
// CRIU_CONFIG_FILE names (runc hands its environment on to CRIU).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace reprise::engine {

// Contents of the file for a dump; `script` is run at each step. `watched`: where the inodes are
// that the container watches (container/inotify_watches.h). `outside`: mounts that a restore gets
// from elsewhere, besides those that runc knows of.
std::string dump_config(const std::filesystem::path& script,
                        const std::vector<std::string>& watched,
                        const std::vector<std::string>& outside);
// The value of TAR_OPTIONS for CRIU, which has tar save and fill tmpfs mounts: by default without
// extended attributes, ACLs and nanoseconds.
inline constexpr const char* kTarOptions = "--format=posix --xattrs --xattrs-include=* --acls";

// Contents of the file for a restore.
std::string restore_config(const std::filesystem::path& script, const OutsideMounts& outside);

}  // namespace reprise::engine
