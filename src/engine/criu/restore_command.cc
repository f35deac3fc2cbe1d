// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/restore_command.h"

namespace reprise::engine {

std::vector<std::string> restore_command(const RestoreRequest& restore,
                                         const std::filesystem::path& work_dir) {
  std::vector<std::string> argv = {restore.program.string()};
  argv.insert(argv.end(), restore.globals.begin(), restore.globals.end());
  argv.insert(argv.end(),
              {"restore", "--detach", "--bundle", restore.bundle.string(), "--image-path",
               restore.images.string(), "--work-path", work_dir.string(), "--tcp-established",
               "--ext-unix-sk", "--file-locks"});
  if (restore.lazy) argv.emplace_back("--lazy-pages");
  argv.insert(argv.end(), restore.options.begin(), restore.options.end());
  argv.push_back(restore.container.str());
  return argv;
}

}  // namespace reprise::engine
