// SPDX-License-Identifier: Apache-2.0
//
// Files, working directories and programs that a mount hides: they have no name to be opened by
// (criu/files-reg.c, dump_one_reg_file and dump_linked_remap).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

class HiddenFiles {
 public:
  HiddenFiles(std::filesystem::path proc, pid_t init);

  // Cheapest for processes of one mount namespace after the other.
  void judge(pid_t pid, std::vector<Obstacle>& found);

 private:
  [[nodiscard]] bool may_be_hidden(const std::string& name) const;

  std::filesystem::path proc_;
  std::string init_;
  std::string namespace_;                      // of the process that was judged last
  std::map<std::string, std::string> mounts_;  // in it, by number to where they are
};

}  // namespace reprise::preflight
