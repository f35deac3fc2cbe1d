// SPDX-License-Identifier: Apache-2.0
#include "engine/preloaded.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>

#include "container/task_tree.h"
#include "engine/criu_hook.h"
#include "engine/preload/exec_area.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
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

bool has_nested_networks(const std::filesystem::path& proc, pid_t init) {
  const std::string first = sys::link_target(proc / std::to_string(init) / "ns/net");
  return std::ranges::any_of(container::processes_of(proc, init), [&](pid_t pid) {
    const std::string own = sys::link_target(proc / std::to_string(pid) / "ns/net");
    return !own.empty() && own != first;
  });
}

std::string libraries_for_dump(const std::filesystem::path& worker, pid_t init) {
  const std::filesystem::path place = worker.parent_path();
  std::string libraries = place / "reprise-script.so";
  if (!sys::has_cap_sys_resource()) libraries += ":" + (place / "reprise-limits.so").string();
  if (needs_detour("/proc", init)) libraries += ":" + (place / "reprise-detour.so").string();
  if (has_nested_networks("/proc", init))
    libraries += ":" + (place / "reprise-networks.so").string();
  return libraries;
}

std::string libraries_for_restore(const std::filesystem::path& worker,
                                  const std::filesystem::path& images) {
  std::string libraries = hold_library(worker).string();
  int networks = 0;  // "netns-9.img"
  std::error_code error;
  for (std::filesystem::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    constexpr std::string_view kPrefix = "netns-";
    if (name.starts_with(kPrefix) &&
        std::isdigit(static_cast<unsigned char>(name[kPrefix.size()])) != 0)
      ++networks;
  }
  if (networks > 1) libraries += ":" + (worker.parent_path() / "reprise-networks.so").string();
  return libraries;
}

}  // namespace reprise::engine
