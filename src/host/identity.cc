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

std::string scope_in(const std::vector<std::string>& state_args) {
  std::string root = oci::root_of(state_args);
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  return scope_of(root);
}

std::string value_of(const std::map<std::string, std::string>& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? "" : found->second;
}

}  // namespace

std::string file_name_of(const base::ContainerKey& key) {
  std::string file_name = key.str();
  std::ranges::replace(file_name, '/', '@');  // no id contains it
  return file_name;
}

Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id) {
  const std::string scope = scope_in(state_args);
  base::ContainerKey key = base::key_in(scope, id);
  std::string file_name = file_name_of(key);
  return {.id = id, .key = std::move(key), .file_name = std::move(file_name)};
}

Identity identify(const std::vector<std::string>& state_args, const base::ContainerId& id,
                  const base::KeyName& name) {
  Identity who = identify(state_args, id);
  if (!name.empty()) who.key = base::key_in(scope_in(state_args), name);
  return who;
}

base::KeyName default_key_name(const std::map<std::string, std::string>& labels,
                               const std::string& container) {
  std::string name;
  // First, since podman-compose gives all containers of a project one unit.
  std::string project = value_of(labels, "com.docker.compose.project");
  if (project.empty()) project = value_of(labels, "io.podman.compose.project");
  const std::string service = value_of(labels, "com.docker.compose.service");
  const std::string unit = value_of(labels, "PODMAN_SYSTEMD_UNIT");
  if (!project.empty() && !service.empty()) {
    if (value_of(labels, "com.docker.compose.oneoff") == "True") return {};
    name = "compose:" + project + ":" + service + ":" +
           value_of(labels, "com.docker.compose.container-number");
  } else if (!unit.empty()) {
    name = "unit:" + unit + ":" + container;
  }
  return base::KeyName::parse(oci::as_key_name(std::move(name))).value_or(base::KeyName());
}

Whereabouts find_by_key(const base::ContainerKey& key) {
  const std::size_t slash = key.str().rfind('/');
  const auto id_in = [](std::string_view text) {
    return base::ContainerId::parse(text).value_or(base::ContainerId());  // "@NAME" is none
  };
  if (slash == std::string::npos) return {.id = id_in(key.str()), .state_args = {}};
  const std::string scope = key.str().substr(0, slash);
  const std::string root =
      scope.starts_with('/') ? scope : std::string(kContainerdRoots) + "/" + scope;
  return {.id = id_in(key.str().substr(slash + 1)), .state_args = {"--root", root}};
}

}  // namespace reprise::host
