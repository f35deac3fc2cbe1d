// SPDX-License-Identifier: Apache-2.0
//
// The way in of an archive of Podman's or the kubelet's, wherever it comes from.
#pragma once

#include <string>

#include "archive/tar.h"
#include "cli/command.h"
#include "session/archive_import.h"

namespace reprise::cli {

// Makes a checkpoint of the archive, with progress. kInvalidInput for a tag that is none; else as
// session::import_archive().
Result<session::ImportedCheckpoint> import_from(const archive::ReadBytes& source,
                                                const std::string& tag, Context& context);

// Says what became of it, and what its container needs that no archive can give it.
void print_imported(const session::ImportedCheckpoint& imported, bool json, Context& context);

}  // namespace reprise::cli
