// SPDX-License-Identifier: Apache-2.0
#include "worker/record.h"

#include "container/identity.h"
#include "container/runc_state.h"
#include "podman/command_line.h"
#include "podman/container_config.h"

namespace reprise::worker {

using base::ErrorCode;
using base::Result;

Result<std::string> record_container(store::Catalog& catalog,
                                     const container::WorkerRequest& request) {
  const container::RuncState state =
      REPRISE_PASS(container::load_runc_state(request.runtime_args, request.container));
  const auto info = podman::load_recorded_info(state.bundle, request.container.str());
  if (!info && info.error().code() == ErrorCode::kNotFound) return std::string();
  if (!info) return std::unexpected(info.error());
  store::ContainerRow row{
      .key = container::identify(request.runtime_args, request.container).key,
      .name = info->name};
  // One that no command made (Podman's API) has a name all the same.
  if (auto kept = podman::kept_command(*info)) {
    row.image = std::move(kept->image);
    row.create_command = std::move(kept->words);
    row.command_image_index = static_cast<int>(kept->image_index);
  } else {
    const auto known = REPRISE_PASS(catalog.container(row.key));
    if (known && !known->create_command.empty()) return info->name;
    row.image = info->image_name;
  }
  REPRISE_PASS(catalog.put_container(row));
  return info->name;
}

}  // namespace reprise::worker
