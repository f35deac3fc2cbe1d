// SPDX-License-Identifier: Apache-2.0
#include "operations/container/containers.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "host/identity.h"
#include "oci/annotations.h"
#include "oci/spec.h"
#include "podman/client.h"
#include "podman/command_line.h"
#include "podman/container_config.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;

namespace {

base::KeyName name_in_key(const podman::ContainerInfo& info) {
  const std::filesystem::path config = info.config_path;
  if (!config.empty())
    if (const auto spec = oci::load_spec(config.parent_path()))
      return oci::key_name(spec->annotations);
  if (info.annotations.contains(oci::annotation::kKey)) return oci::key_name(info.annotations);
  return host::default_key_name(info.labels, info.name);
}

}  // namespace

base::ContainerKey key_of(const podman::ContainerInfo& info) {
  return host::identify({}, info.container(), name_in_key(info)).key;
}

Result<std::optional<podman::ContainerInfo>> container_with(catalog::Catalog& catalog,
                                                            const base::ContainerKey& key) {
  std::vector<std::string> names = {key.str()};
  if (const auto row = REPRISE_PASS(catalog.container(key))) names.push_back(row->name);
  for (const std::string& name : names) {
    // A key that is no id is nothing that Podman knows, but might read.
    if (name.empty() || name.find_first_of("@/") != std::string::npos) continue;
    auto info = podman::inspect(name);
    if (!info && info.error().code() != ErrorCode::kNotFound) return std::unexpected(info.error());
    if (info && key_of(*info) == key) return std::optional(std::move(*info));
  }
  return std::optional<podman::ContainerInfo>();
}

bool runs_under_reprise(const Node& node, const podman::ContainerInfo& info) {
  const std::string name = std::filesystem::path(info.oci_runtime).filename().string();
  return name == "reprise" || name == "reprise-runtime" ||
         (!node.runtime.empty() && info.oci_runtime == node.runtime);
}

bool is_opted_in(const podman::ContainerInfo& info) {
  // Those of pods have others than those of Podman.
  for (const char* name :
       {oci::annotation::kOnStop, oci::annotation::kOnDisruption, oci::annotation::kOnDelete}) {
    const auto found = info.annotations.find(name);
    if (found != info.annotations.end() && found->second == podman::kOnStopCheckpoint) return true;
  }
  return false;
}

Result<podman::ContainerInfo> find_our_container(const Node& node, const std::string& name) {
  podman::ContainerInfo info = REPRISE_PASS(podman::inspect(name));
  if (runs_under_reprise(node, info)) return info;
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "it is not under Reprise: its OCI runtime is '" + info.oci_runtime + "'")
          .with_hint("use 'podman' for it, or start it with 'reprise run'"));
}

Result<catalog::ContainerRow> container_row(const podman::ContainerInfo& info) {
  Result<podman::KeptCommand> kept_or = podman::kept_command(info);
  if (!kept_or && info.create_command.empty()) {
    // Made by the API: what Podman keeps for itself says how it runs.
    const std::string config = REPRISE_PASS(podman::load_container_config(info.id));
    kept_or = podman::kept_command(REPRISE_PASS(podman::parse_container_config(config)));
  }
  podman::KeptCommand kept = REPRISE_PASS(std::move(kept_or));
  return catalog::ContainerRow{.key = key_of(info),
                               .name = info.name,
                               .image = std::move(kept.image),
                               .create_command = std::move(kept.words),
                               .command_image_index = static_cast<int>(kept.image_index)};
}

Result<void> record_container(catalog::Catalog& catalog, const podman::ContainerInfo& info) {
  const catalog::ContainerRow row = REPRISE_PASS(container_row(info));
  return catalog.put_container(row);
}

void warn_unrecorded(Progress& progress, const Error& why) {
  progress.warn("'reprise restore' will not be able to make it again: " + why.message(), "");
}

namespace {

// "NAMESPACE/POD/CONTAINER", or "NAMESPACE/ID": nothing that Podman would know.
bool may_be_podmans(const std::string& name) { return !name.contains('/'); }

// Of a pod's container nobody notes more than what its checkpoints are called, and its replacement
// has the same name and another key. Newest first.
Result<std::vector<base::ContainerKey>> keys_in_pods(catalog::Catalog& catalog,
                                                     const std::string& name) {
  std::vector<base::ContainerKey> keys;
  if (may_be_podmans(name)) return keys;
  for (const catalog::CheckpointRow& row : REPRISE_PASS(catalog.checkpoints()))
    if (row.name == name && std::ranges::find(keys, row.key) == keys.end()) keys.push_back(row.key);
  return keys;
}

// History is still there without Podman, or with one that does not know the container any more.
Result<std::optional<base::ContainerKey>> key_in_catalog(catalog::Catalog& catalog,
                                                         const std::string& name) {
  const auto known = REPRISE_PASS(catalog.containers_named(name));
  if (!known.empty()) return std::optional(known.front().key);
  const auto key = base::ContainerKey::parse(name);
  if (key && REPRISE_PASS(catalog.container(*key))) return std::optional(*key);
  const auto named = base::ContainerKey::parse("@" + name);
  if (named && REPRISE_PASS(catalog.container(*named))) return std::optional(*named);
  // Containers that were not made through Podman have a history only.
  if (key && !REPRISE_PASS(catalog.lives(*key)).empty()) return std::optional(*key);
  const auto saved = REPRISE_PASS(keys_in_pods(catalog, name));
  return saved.empty() ? std::nullopt : std::optional(saved.front());
}

}  // namespace

Result<base::ContainerKey> find_key(catalog::Catalog& catalog, const std::string& name) {
  const Result<podman::ContainerInfo> info =
      may_be_podmans(name)
          ? podman::inspect(name)
          : base::fail(ErrorCode::kNotFound, "there is no container '" + name + "'");
  if (info) return key_of(*info);
  if (const auto key = REPRISE_PASS(key_in_catalog(catalog, name))) return *key;
  if (info.error().code() != ErrorCode::kNotFound) return std::unexpected(info.error());
  return std::unexpected(Error(info.error())
                             .with_hint("'reprise ps' lists containers, 'reprise checkpoint ls' "
                                        "those that have checkpoints"));
}

Result<std::vector<base::ContainerKey>> find_keys(catalog::Catalog& catalog,
                                                  const std::string& name) {
  std::vector<base::ContainerKey> keys;
  keys.push_back(REPRISE_PASS(find_key(catalog, name)));
  const auto add = [&](const base::ContainerKey& key) {
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  };
  std::string own = name;
  // Named by its id, it has a name all the same.
  if (const auto row = REPRISE_PASS(catalog.container(keys.front())); row && !row->name.empty())
    own = row->name;
  for (const catalog::ContainerRow& row : REPRISE_PASS(catalog.containers_named(own))) add(row.key);
  for (const base::ContainerKey& key : REPRISE_PASS(keys_in_pods(catalog, own))) add(key);
  return keys;
}

Result<void> forget_gone(catalog::Catalog& catalog) {
  constexpr std::size_t kIdLength = 64;
  // First, so that what a container left that was made since is not among them.
  const auto rows = REPRISE_PASS(catalog.checkpoints());
  std::set<std::string> there;
  const auto containers = podman::list_all();
  // Whose containers they were is not known where it is not there.
  if (!containers && containers.error().code() == ErrorCode::kUnsupported) return {};
  if (!containers) return std::unexpected(containers.error());
  for (const podman::ContainerInfo& info : *containers) there.insert(info.id);
  for (const catalog::CheckpointRow& row : rows) {
    const std::string& key = row.key.str();
    const bool podmans =
        key.size() == kIdLength && key.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!row.pending || !podmans || there.contains(key)) continue;
    const auto waiting = REPRISE_PASS(catalog.continuation(row.key));
    if (waiting && waiting->checkpoint == row.id) REPRISE_PASS(catalog.drop_continuation(row.key));
  }
  return {};
}

std::string short_id(std::string_view id) {
  constexpr std::size_t kDigits = 12;  // as Podman does
  // "NAMESPACE/ID" was chosen by people.
  return std::string(id.contains('/') ? id : id.substr(0, kDigits));
}

std::string name_of(catalog::Catalog& catalog, const base::ContainerKey& key) {
  const auto name = catalog.container_name(key);
  return name && !name->empty() ? *name : short_id(key.str());
}

}  // namespace reprise::operations
