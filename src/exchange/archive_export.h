// SPDX-License-Identifier: Apache-2.0
//
// From a sealed checkpoint of ours to an archive that `podman container restore --import` reads.
#pragma once

#include <string>

#include "archive/container_dump.h"
#include "archive/tar.h"
#include "base/result.h"
#include "store/checkpoint_store.h"

namespace reprise::exchange {

struct ExportRequest {
  archive::WriteBytes sink;
  archive::Compression compression = archive::Compression::kZstd;
  archive::PodmanDump dump;
};

// Streams: nothing is written to disk but what the sink writes, and no page is held in memory. The
// checkpoint must have been verified. Blocks as long as disk and sink need. kUnsupported for a
// checkpoint that cannot be told in Podman's terms, naming the file or part.
base::Result<void> export_archive(store::CheckpointReader& checkpoint, ExportRequest request);

}  // namespace reprise::exchange
