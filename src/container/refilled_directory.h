// SPDX-License-Identifier: Apache-2.0
//
// A directory that gets other contents, of which parts are mounted elsewhere by themselves: those
// stay the files and directories that they are, since a mount stays with what it is of.
#pragma once

#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "oci/spec.h"

namespace reprise::container {

using Inodes = std::set<std::pair<dev_t, ino_t>>;

// Sources of bind mounts.
Inodes mounted_inodes(const oci::Spec& spec);

// Removes all that lies in `directory` but `contents`, a directory in it, and what `mounted` names,
// with the directories that lead there; then moves what `contents` holds up, with its own
// attributes, and removes it. What stays and is in `contents` as well gets what that has. Follows
// no symbolic links. Nobody else may write in it meanwhile. Not atomic; can be repeated, with new
// `contents`, after a crash.
base::Result<void> replace_contents(const std::filesystem::path& directory,
                                    const std::filesystem::path& contents, const Inodes& mounted);

// The same, but nothing is removed: all of it is in `aside` afterwards, a directory in `directory`
// that is made for it.
base::Result<void> exchange_contents(const std::filesystem::path& directory,
                                     const std::filesystem::path& contents,
                                     const std::filesystem::path& aside, const Inodes& mounted);
// Makes `directory` what it was before exchange_contents(), also one that was cut off; `contents`
// is gone then. Success, and nothing is touched, if nothing is aside. Can be repeated after a
// crash.
base::Result<void> bring_back(const std::filesystem::path& directory,
                              const std::filesystem::path& aside, const Inodes& mounted);

}  // namespace reprise::container
