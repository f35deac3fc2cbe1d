// SPDX-License-Identifier: Apache-2.0
#include "preflight/descriptor_obstacles.h"

#include <set>
#include <string>

#include "preflight/descriptors/epolls.h"
#include "preflight/descriptors/hidden_files.h"
#include "preflight/descriptors/socket_settings.h"
#include "preflight/descriptors/terminals.h"

namespace reprise::preflight {

std::vector<Obstacle> examine_descriptors(const std::filesystem::path& proc, pid_t init,
                                          const std::vector<pid_t>& processes) {
  std::vector<Obstacle> found;
  if (proc != "/proc") return found;
  HiddenFiles hidden(proc, init);
  Terminals terminals;
  std::set<std::string> seen;
  for (const pid_t pid : processes) {
    hidden.judge(pid, found);
    judge_sockets(proc, pid, seen, found);
    judge_epolls(proc, pid, found);
    terminals.look(proc / std::to_string(pid), pid);
  }
  terminals.judge(proc, found);
  return found;
}

}  // namespace reprise::preflight
