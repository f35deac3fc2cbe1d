// SPDX-License-Identifier: Apache-2.0
//
// What every way out as an archive of Podman's begins with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archive/container_dump.h"
#include "cli/command.h"
#include "store/checkpoint_store.h"

namespace reprise::cli {

struct PreparedExport {
  std::unique_ptr<store::CheckpointStore> store;
  std::unique_ptr<store::CheckpointReader> reader;
  archive::PodmanDump dump;
};

// Opens a checkpoint (id, unique beginning of one, tag), verifies it, and learns how Podman sees
// its container: if that is gone, by making it once more for a moment.
Result<PreparedExport> prepare_export(Context& context, const std::string& checkpoint);

// What Podman has to be told about volumes.
void print_volumes_left_out(const PreparedExport& prepared, std::ostream& err);

}  // namespace reprise::cli
