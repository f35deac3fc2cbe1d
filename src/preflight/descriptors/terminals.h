// SPDX-License-Identifier: Apache-2.0
//
// /dev/tty, opened by another process than the one that has the terminal itself open (criu/tty.c,
// tty_verify_ctty).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "preflight/obstacles.h"

namespace reprise::preflight {

// All processes are looked at before any is judged.
class Terminals {
 public:
  // In CRIU's order: the first that has it counts.
  void look(const std::filesystem::path& process, pid_t pid);
  void judge(const std::filesystem::path& proc, std::vector<Obstacle>& found) const;

 private:
  std::map<std::string, pid_t> holders_;        // of each terminal, by its number
  std::vector<std::pair<pid_t, int>> by_name_;  // descriptors of /dev/tty
};

}  // namespace reprise::preflight
