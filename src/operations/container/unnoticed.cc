// SPDX-License-Identifier: Apache-2.0
#include "operations/container/unnoticed.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "oci/annotations.h"
#include "oci/runtime.h"
#include "podman/client.h"
#include "sys/process.h"

namespace reprise::operations {

std::string Unnoticed::text() const {
  if (name.empty()) return "runs, but Podman does not know it";
  return "runs, but Podman says '" + status + "'";
}

std::string Unnoticed::remedy() const {
  if (!name.empty()) return "'reprise start " + name + "' lets Podman know of it";
  return "'reprise-runtime kill " + id + " TERM' checkpoints and ends it";
}

std::vector<Unnoticed> find_unnoticed(const std::filesystem::path& root,
                                      const std::vector<podman::ContainerInfo>& containers) {
  const oci::Runtime runtime{.program = "runc", .state_args = {"--root", root.string()}};
  std::vector<Unnoticed> found;
  std::error_code error;
  std::filesystem::directory_iterator entry(root, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string id = entry->path().filename().string();
    const auto info = std::ranges::find(containers, id, &podman::ContainerInfo::id);
    const bool known = info != containers.end();
    if (known && info->has_tasks()) continue;
    const auto container = base::ContainerId::parse(id);
    if (!container) continue;  // not runc's
    const auto state = runtime.state_of(*container);
    if (!state || !sys::is_alive(state->init)) continue;
    const auto wishes = oci::parse_wishes(state->annotations);
    if (!wishes || !wishes->opts_in()) continue;
    found.push_back({.id = id,
                     .name = known ? info->name : std::string(),
                     .status = known ? info->status : std::string()});
  }
  std::ranges::sort(found, {}, &Unnoticed::id);
  return found;
}

std::vector<Unnoticed> find_unnoticed() {
  constexpr std::chrono::seconds kStart{2};
  const std::filesystem::path root = oci::root_of({});
  for (const bool again : {false, true}) {
    const auto containers = podman::list_all();
    if (!containers) return {};
    std::vector<Unnoticed> found = find_unnoticed(root, *containers);
    if (found.empty() || again) return found;
    std::this_thread::sleep_for(kStart);
  }
  return {};
}

}  // namespace reprise::operations
