// SPDX-License-Identifier: Apache-2.0
#include "host/identity.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "oci/annotations.h"
#include "oci/runtime.h"

namespace reprise::host {
namespace {

constexpr std::string_view kContainerdRoots = "/run/containerd/runc";  // one for each namespace

// What tells ids of this root from equal ones of another.
std::string scope_of(const std::filesystem::path& root) {
  if (root == oci::kDefaultRoot) return "";
  if (root.parent_path() == kContainerdRoots) return root.filename().string();
  return root.string();
}

std::string value_of(const std::map<std::string, std::string>& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? "" : found->second;
}

}  // namespace

Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id) {
  std::string root = oci::root_of(state_args);
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  const std::string scope = scope_of(root);
  const std::string key = scope.empty() ? id.str() : scope + "/" + id.str();
  std::string file_name = key;
  std::ranges::replace(file_name, '/', '@');  // no id contains it
  return {.id = id, .key = base::ContainerKey(key), .file_name = std::move(file_name)};
}

Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id,
                  const std::string& name) {
  Identity who = identify(state_args, id);
  if (name.empty()) return who;
  who.key = identify(state_args, base::ContainerId("@" + name)).key;
  return who;
}

std::string default_key_name(const std::map<std::string, std::string>& labels,
                             const std::string& container) {
  std::string name;
  // First, since podman-compose gives all containers of a project one unit.
  std::string project = value_of(labels, "com.docker.compose.project");
  if (project.empty()) project = value_of(labels, "io.podman.compose.project");
  const std::string service = value_of(labels, "com.docker.compose.service");
  const std::string unit = value_of(labels, "PODMAN_SYSTEMD_UNIT");
  if (!project.empty() && !service.empty()) {
    if (value_of(labels, "com.docker.compose.oneoff") == "True") return "";
    name = "compose:" + project + ":" + service + ":" +
           value_of(labels, "com.docker.compose.container-number");
  } else if (!unit.empty()) {
    name = "unit:" + unit + ":" + container;
  }
  name = oci::as_key_name(std::move(name));
  return oci::check_key_name(name) ? name : "";
}

Whereabouts find_by_key(const base::ContainerKey& key) {
  const std::size_t slash = key.str().rfind('/');
  if (slash == std::string::npos) return {.id = base::ContainerId(key.str()), .state_args = {}};
  const std::string scope = key.str().substr(0, slash);
  const std::string root =
      scope.starts_with('/') ? scope : std::string(kContainerdRoots) + "/" + scope;
  return {.id = base::ContainerId(key.str().substr(slash + 1)), .state_args = {"--root", root}};
}

}  // namespace reprise::host
