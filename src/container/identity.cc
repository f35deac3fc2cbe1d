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

Whereabouts find_by_key(const base::ContainerKey& key) {
  const std::size_t slash = key.str().rfind('/');
  if (slash == std::string::npos) return {.id = base::ContainerId(key.str()), .runtime_args = {}};
  const std::string scope = key.str().substr(0, slash);
  const std::string root =
      scope.starts_with('/') ? scope : std::string(kContainerdRoots) + "/" + scope;
  return {.id = base::ContainerId(key.str().substr(slash + 1)), .runtime_args = {"--root", root}};
}

}  // namespace reprise::container
