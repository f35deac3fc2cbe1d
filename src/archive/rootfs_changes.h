// SPDX-License-Identifier: Apache-2.0
//
// Changes of a root file system, translated between ours (the upper directory of an overlay, with
// its whiteouts and opaque marks) and what archives hold: Podman's and CRI-O's tar of what is there
// plus a list of what was deleted, or an OCI layer (containerd).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/tar.h"

namespace reprise::archive {

// --- ours to Podman's

// Reads our archive of an upper directory and writes what is there to `sink`; returns the absolute
// names of what was deleted. The same input gives the same output, byte for byte.
//
// Podman unpacks this over the image's files and then removes what is listed. A directory that
// hides the one of the image is therefore written twice: first as an empty file, which makes
// Podman remove the old directory, then as itself.
// kUnsupported, naming the file, for what only this host's overlay understands (redirects).
Result<std::vector<std::string>> write_podman_changes(ReadBytes upper, WriteBytes sink);

// --- theirs to ours

// How deletions are told.
enum class Dialect : std::uint8_t {
  kList,      // beside the tar, in `deleted`
  kOciLayer,  // in the tar, as files .wh.NAME and .wh..wh..opq
};

// A directory as the image has it: owner, mode, time. nullopt if it has none of that name.
using ImageDirectory = std::function<std::optional<Entry>(const std::string& name)>;

struct ForeignChanges {
  std::function<Result<ReadBytes>()> tar;  // from its begin, each time
  Dialect dialect = Dialect::kList;
  std::vector<std::string> deleted;  // absolute names, as they stand in the archive
  // An upper directory hides the attributes of every directory that it has, so those that the tar
  // leaves out are taken from the image.
  ImageDirectory image_directory;
  std::uint64_t limit = UINT64_MAX;  // of all files together, holes included
};

// Writes the archive of an upper directory. kCorrupt, naming the entry, for whatever
// FileTreeRules refuse; nothing of `tar` reaches `sink` then.
Result<void> write_upper(const ForeignChanges& changes, const WriteBytes& sink);

// The same for a tree that stands alone (/dev/shm): no deletions, no image below.
Result<void> write_plain_tree(const std::function<Result<ReadBytes>()>& tar, std::uint64_t limit,
                              const WriteBytes& sink);

}  // namespace reprise::archive
