// SPDX-License-Identifier: Apache-2.0
#include "worker/record.h"

#include <filesystem>

#include "host/request.h"
#include "oci/state.h"
#include "podman/command_line.h"
#include "podman/container_config.h"

namespace reprise::worker {

using base::ErrorCode;
using base::Result;

namespace {

// Podman's ids. Others may be used again, and are nothing that Podman could tell about.
bool is_podman_id(const std::string& key) {
  constexpr std::size_t kLength = 64;
  return key.size() == kLength && key.find_first_not_of("0123456789abcdef") == key.npos;
}

// No start can take up what waits for a container of this name that is gone (--rm, --replace): what
// would keep its checkpoint for ever goes. `reprise restore` needs it not.
Result<void> forget_predecessors(catalog::Catalog& catalog, const std::string& name,
                                 const std::filesystem::path& bundle) {
  for (const catalog::ContainerRow& row : REPRISE_PASS(catalog.containers_named(name))) {
    if (!is_podman_id(row.key.str()) || !REPRISE_PASS(catalog.continuation(row.key))) continue;
    const auto beside = bundle.parent_path().parent_path() / row.key.str() / bundle.filename();
    const auto there = podman::load_recorded_info(beside, row.key.str());
    if (there) continue;
    if (there.error().code() != ErrorCode::kNotFound) return std::unexpected(there.error());
    REPRISE_PASS(catalog.drop_continuation(row.key));
  }
  return {};
}

}  // namespace

Result<std::string> record_container(session::Context& context) {
  const host::WorkerRequest& request = context.request;
  const oci::State state = REPRISE_PASS(context.runtime().state_of(request.container));
  const auto info = podman::load_recorded_info(state.bundle, request.container.str());
  if (!info && info.error().code() == ErrorCode::kNotFound) return std::string();
  if (!info) return std::unexpected(info.error());
  catalog::ContainerRow row{.key = host::key_of(request), .name = info->name};
  // One that no command made (Podman's API) has a name all the same.
  if (auto kept = podman::kept_command(*info)) {
    row.image = std::move(kept->image);
    row.create_command = std::move(kept->words);
    row.command_image_index = static_cast<int>(kept->image_index);
  } else {
    const auto known = REPRISE_PASS(context.store.catalog.container(row.key));
    if (known && !known->create_command.empty()) return info->name;
    row.image = info->image_name;
  }
  REPRISE_PASS(context.store.catalog.put_container(row));
  REPRISE_PASS(forget_predecessors(context.store.catalog, info->name, state.bundle));
  return info->name;
}

}  // namespace reprise::worker
