// SPDX-License-Identifier: Apache-2.0
#include "container/identity.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace reprise::container {
namespace {

constexpr std::string_view kRuncRoot = "/run/runc";
constexpr std::string_view kContainerdRoots = "/run/containerd/runc";  // one for each namespace

// What tells ids of this root from equal ones of another.
std::string scope_of(const std::filesystem::path& root) {
  if (root == kRuncRoot) return "";
  if (root.parent_path() == kContainerdRoots) return root.filename().string();
  return root.string();
}

std::string value_of(const std::map<std::string, std::string>& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? "" : found->second;
}

bool may_be_in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:@-").find(c) != std::string_view::npos;
}

}  // namespace

std::string runtime_root(const std::vector<std::string>& runtime_args) {
  constexpr std::string_view kOption = "--root=";
  for (std::size_t i = 0; i < runtime_args.size(); ++i) {
    if (runtime_args[i].starts_with(kOption)) return runtime_args[i].substr(kOption.size());
    if (runtime_args[i] == "--root" && i + 1 < runtime_args.size()) return runtime_args[i + 1];
  }
  return std::string(kRuncRoot);
}

Identity identify(const std::vector<std::string>& runtime_args, const base::ContainerId& id) {
  std::string root = runtime_root(runtime_args);
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  const std::string scope = scope_of(root);
  const std::string key = scope.empty() ? id.str() : scope + "/" + id.str();
  std::string file_name = key;
  std::ranges::replace(file_name, '/', '@');  // no id contains it
  return {.id = id, .key = base::ContainerKey(key), .file_name = std::move(file_name)};
}

Identity identify(const std::vector<std::string>& runtime_args, const base::ContainerId& id,
                  const std::string& name) {
  Identity who = identify(runtime_args, id);
  if (name.empty()) return who;
  who.key = identify(runtime_args, base::ContainerId("@" + name)).key;
  return who;
}

std::string key_name(const std::map<std::string, std::string>& annotations) {
  return value_of(annotations, kKeyAnnotation);
}

base::Result<void> check_key_name(std::string_view name) {
  constexpr std::size_t kLongest = 128;
  if (!name.empty() && name.size() <= kLongest && std::ranges::all_of(name, may_be_in_name))
    return {};
  return std::unexpected(
      base::Error(base::ErrorCode::kInvalidInput, "'" + std::string(name) + "' is no key")
          .with_hint("a key has 1 to 128 letters, digits and '_', '.', ':', '@', '-'"));
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
  std::ranges::replace_if(name, [](char c) { return !may_be_in_name(c); }, '_');
  return check_key_name(name) ? name : "";
}

Whereabouts find_by_key(const base::ContainerKey& key) {
  const std::size_t slash = key.str().rfind('/');
  if (slash == std::string::npos) return {.id = base::ContainerId(key.str()), .runtime_args = {}};
  const std::string scope = key.str().substr(0, slash);
  const std::string root =
      scope.starts_with('/') ? scope : std::string(kContainerdRoots) + "/" + scope;
  return {.id = base::ContainerId(key.str().substr(slash + 1)), .runtime_args = {"--root", root}};
}

}  // namespace reprise::container
