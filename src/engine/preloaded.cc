// SPDX-License-Identifier: Apache-2.0
#include "engine/preloaded.h"

#include <algorithm>
#include <sstream>

#include "container/task_tree.h"
#include "engine/preload/exec_area.h"
#include "sys/files.h"
#include "sys/process.h"

namespace reprise::engine {

bool needs_detour(const std::filesystem::path& proc, pid_t init) {
  return std::ranges::any_of(container::processes_of(proc, init), [&proc](pid_t pid) {
    std::istringstream maps(sys::read_file(proc / std::to_string(pid) / "maps").value_or(""));
    preload::ExecAreas areas;
    for (std::string line; areas.first.end == 0 && std::getline(maps, line);)
      if (const auto area = preload::parse_area(line)) areas.add(*area);
    return areas.needs_detour();
  });
}

std::string libraries_for_dump(const std::filesystem::path& worker, pid_t init) {
  const std::filesystem::path place = worker.parent_path();
  std::string libraries = place / "reprise-script.so";
  if (!sys::has_cap_sys_resource()) libraries += ":" + (place / "reprise-limits.so").string();
  if (needs_detour("/proc", init)) libraries += ":" + (place / "reprise-detour.so").string();
  return libraries;
}

}  // namespace reprise::engine
