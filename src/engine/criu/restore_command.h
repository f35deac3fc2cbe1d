// SPDX-License-Identifier: Apache-2.0
//
// How runc is told to restore a container.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/id.h"

namespace reprise::engine {

struct RestoreCommand {
  std::filesystem::path program;
  std::vector<std::string> globals;  // of whoever runs it: before the verb
  std::filesystem::path bundle;
  std::filesystem::path images;
  std::filesystem::path work_dir;    // gets restore.log
  std::vector<std::string> options;  // of whoever runs it: after the verb
  base::ContainerId container;
};

// Pure. Its environment is that of config.h and hook.h.
std::vector<std::string> restore_command(const RestoreCommand& restore);

}  // namespace reprise::engine
