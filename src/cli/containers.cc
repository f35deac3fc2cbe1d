// SPDX-License-Identifier: Apache-2.0
#include "cli/containers.h"

#include <cstdlib>
#include <filesystem>

#include "cli/output.h"
#include "container/identity.h"
#include "podman/client.h"
#include "podman/command_line.h"

namespace reprise::cli {

using base::Error;
using base::ErrorCode;

base::ContainerKey key_of(const podman::ContainerInfo& info) {
  return container::identify({}, base::ContainerId(info.id)).key;
}

bool runs_under_reprise(const podman::ContainerInfo& info) {
  const std::string name = std::filesystem::path(info.oci_runtime).filename().string();
  const char* configured = std::getenv("REPRISE_RUNTIME");  // NOLINT(concurrency-mt-unsafe)
  return name == "reprise" || name == "reprise-runtime" ||
         (configured != nullptr && info.oci_runtime == configured);
}

bool is_opted_in(const podman::ContainerInfo& info) {
  const auto found = info.annotations.find(std::string(podman::kOnStopAnnotation));
  return found != info.annotations.end() && found->second == podman::kOnStopCheckpoint;
}

Result<podman::ContainerInfo> find_our_container(const std::string& name) {
  podman::ContainerInfo info = REPRISE_PASS(podman::inspect(name));
  if (runs_under_reprise(info)) return info;
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "it is not under Reprise: its OCI runtime is '" + info.oci_runtime + "'")
          .with_hint("use 'podman' for it, or start it with 'reprise run'"));
}

Result<store::ContainerRow> container_row(const podman::ContainerInfo& info) {
  podman::KeptCommand kept = REPRISE_PASS(podman::kept_command(info));
  return store::ContainerRow{.key = key_of(info),
                             .name = info.name,
                             .image = std::move(kept.image),
                             .create_command = std::move(kept.words),
                             .command_image_index = static_cast<int>(kept.image_index)};
}

Result<void> record_container(store::Catalog& catalog, const podman::ContainerInfo& info) {
  const store::ContainerRow row = REPRISE_PASS(container_row(info));
  return catalog.put_container(row);
}

Result<base::ContainerKey> find_key(store::Catalog& catalog, const std::string& name) {
  const Result<podman::ContainerInfo> info = podman::inspect(name);
  if (info) return key_of(*info);
  // Without Podman, or with one that does not know it any more, history is still there.
  const auto known = REPRISE_PASS(catalog.containers_named(name));
  if (!known.empty()) return known.front().key;
  const auto by_id = REPRISE_PASS(catalog.container(base::ContainerKey(name)));
  if (by_id) return by_id->key;
  // Containers that were not made through Podman have a history only.
  if (!REPRISE_PASS(catalog.lives(base::ContainerKey(name))).empty())
    return base::ContainerKey(name);
  return std::unexpected(info.error());
}

void print_no_store(Context& context) {
  context.io.err
      << "note: there is no store at '" << context.layout.store.string()
      << "' yet; the first checkpoint makes it. If there was one, is its disk mounted?\n";
}

std::string name_of(store::Catalog& catalog, const base::ContainerKey& key) {
  const auto name = catalog.container_name(key);
  return name && !name->empty() ? *name : short_id(key.str());
}

}  // namespace reprise::cli
