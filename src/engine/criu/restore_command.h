// SPDX-License-Identifier: Apache-2.0
//
// How runc is told to restore a container.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace reprise::engine {

// Pure. `work_dir` gets restore.log. Its environment is that of config.h and hook.h.
std::vector<std::string> restore_command(const RestoreRequest& restore,
                                         const std::filesystem::path& work_dir);

}  // namespace reprise::engine
