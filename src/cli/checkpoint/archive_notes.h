// SPDX-License-Identifier: Apache-2.0
//
// What is printed of archives that came in or went out.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "exchange/archive_import.h"

namespace reprise::cli {

// Says what became of it, and what its container needs that no archive can give it.
void print_imported(const exchange::ImportedCheckpoint& imported, bool json, Context& context);

// What Podman has to be told about volumes.
void print_volumes_left_out(Context& context, const std::vector<std::string>& volumes);

}  // namespace reprise::cli
