// SPDX-License-Identifier: Apache-2.0
//
// The way out of a checkpoint as an archive of Podman's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive/container_dump.h"
#include "archive/tar.h"
#include "base/result.h"
#include "operations/node.h"
#include "operations/progress.h"
#include "operations/transfer/archive_file.h"
#include "store/checkpoint_store.h"

namespace reprise::operations {

// What every way out begins with.
struct PreparedExport {
  std::unique_ptr<store::CheckpointStore> store;
  std::unique_ptr<store::CheckpointReader> reader;
  archive::PodmanDump dump;  // `named_volumes` of it are not in the archive
};

// Opens a checkpoint (find_named_checkpoint()), verifies it, and learns how Podman sees
// its container: if that is gone, by making it once more for a moment.
base::Result<PreparedExport> prepare_export(const Node& node, const std::string& checkpoint,
                                            Progress& progress);

struct Exported {
  std::uint64_t bytes = 0;
  std::vector<std::string> volumes_left_out;  // of which Podman has to be told
};

// Streams the archive to `output`, and commits that. Errors as prepare_export() and
// exchange::export_archive().
base::Result<Exported> export_checkpoint(const Node& node, const std::string& checkpoint,
                                         archive::Compression compression, ArchiveOutput& output,
                                         Progress& progress);

}  // namespace reprise::operations
