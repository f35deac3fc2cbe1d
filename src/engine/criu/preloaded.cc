// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/preloaded.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>
#include <vector>

#include "container/task_tree.h"
#include "engine/criu/timer_threads.h"
#include "engine/preload/exec_area.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/proc_entries.h"
#include "sys/process.h"

namespace reprise::engine {

using base::Error;
using base::ErrorCode;
using base::Result;

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

namespace {

// ld.so goes on without one that is not there, and so would CRIU without what it is there for.
Result<std::string> list(const std::filesystem::path& worker,
                         const std::vector<std::string>& names) {
  std::string libraries;
  for (const std::string& name : names) {
    const auto file = worker.parent_path() / ("reprise-" + name + ".so");
    if (!REPRISE_PASS(sys::exists(file)))
      return std::unexpected(
          Error(ErrorCode::kUnsupported, "'" + file.string() + "' is missing")
              .with_hint("the installation is incomplete: install Reprise again"));
    libraries += (libraries.empty() ? "" : ":") + file.string();
  }
  return libraries;
}

// Of all programs together: "netns-9.img".
int networks_in(const std::filesystem::path& images) {
  constexpr std::string_view kPrefix = "netns-";
  int networks = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(images, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kPrefix) &&
        std::isdigit(static_cast<unsigned char>(name[kPrefix.size()])) != 0)
      ++networks;
  }
  return networks;
}

}  // namespace

Result<std::string> libraries_for_dump(const std::filesystem::path& worker, pid_t init) {
  std::vector<std::string> names = {"script", "pages"};
  if (!sys::has_cap_sys_resource()) names.emplace_back("limits");
  if (needs_detour("/proc", init)) names.emplace_back("detour");
  if (has_nested_networks("/proc", init)) names.emplace_back("networks");
  if (has_timer_threads("/proc", init)) names.emplace_back("timers");
  return list(worker, names);
}

Result<std::string> libraries_for_restore(const std::filesystem::path& worker,
                                          const std::filesystem::path& images) {
  std::vector<std::string> names = {"hold"};
  if (networks_in(images) > 1) names.emplace_back("networks");
  return list(worker, names);
}

}  // namespace reprise::engine
