// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions.h"

namespace reprise::daemon {

using base::Result;

bool is_key_of(const base::ContainerKey& key, const oci::PodContainer& container) {
  const std::string name = "@" + oci::key_name(container).str();
  const std::string& text = key.str();
  return text == name || text.ends_with("/" + name);
}

bool is_of(const catalog::CheckpointRow& row, const oci::PodContainer& container) {
  return row.name == oci::full_name(container) && is_key_of(row.key, container);
}

Result<StopState> state_of_stop(catalog::Catalog& catalog, const oci::PodContainer& container) {
  StopState state{.container = {.name = container.container}};
  const auto rows = REPRISE_PASS(catalog.stops_of(oci::key_name(container), 1));
  if (rows.empty()) return state;
  const catalog::SessionRow& row = rows.front();
  state.begun = true;
  state.key = row.key;
  if (row.status == catalog::SessionStatus::kFailed)
    state.container.failed = row.reason.empty() ? "its session failed" : row.reason;
  if (row.status != catalog::SessionStatus::kOk) return state;
  const auto found = catalog.find_checkpoint(row.checkpoint.str());
  const bool is_gone = !found && found.error().code() == base::ErrorCode::kNotFound;
  if (!found && !is_gone) return std::unexpected(found.error());
  if (is_gone)
    state.container.failed = "what was saved was removed";
  else if (is_of(*found, container) && found->key == row.key)
    state.container = {.name = container.container, .checkpoint = found->id, .bytes = found->bytes};
  else
    state.container.failed = "what was saved is not of '" + oci::full_name(container) + "'";
  return state;
}

}  // namespace reprise::daemon
