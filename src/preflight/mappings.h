// SPDX-License-Identifier: Apache-2.0
//
// Memory of a process that CRIU cannot save (criu/proc_parse.c, handle_vma).
#pragma once

#include <filesystem>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// `process`: its directory in /proc.
void judge_mappings(const std::filesystem::path& process, std::vector<Obstacle>& found);

}  // namespace reprise::preflight
