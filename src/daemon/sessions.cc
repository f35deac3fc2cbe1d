// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions.h"

namespace reprise::daemon {

using base::Result;

namespace {

// A node has few sessions at a time, and what is asked for is seconds old.
constexpr int kNewest = 500;

bool is_stop_of(const catalog::SessionRow& row, const std::string& name) {
  const std::string& key = row.key.str();
  return row.kind == catalog::SessionKind::kCheckpoint && row.trigger == "stop" &&
         key.ends_with("@" + name) &&
         (key.size() == name.size() + 1 || key[key.size() - name.size() - 2] == '/');
}

}  // namespace

Result<StopState> state_of_stop(catalog::Catalog& catalog, const oci::PodContainer& container) {
  const base::KeyName name = oci::key_name(container);
  StopState state{.container = {.name = container.container}};
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.sessions(kNewest))) {
    if (!is_stop_of(row, name.str())) continue;
    state.begun = true;
    state.key = row.key;
    if (row.status == catalog::SessionStatus::kFailed)
      state.container.failed = row.reason.empty() ? "its session failed" : row.reason;
    if (row.status == catalog::SessionStatus::kOk) {
      const auto found = REPRISE_PASS(catalog.find_checkpoint(row.checkpoint.str()));
      state.container.bytes = found.bytes;
      if (found.name == oci::full_name(container) && found.key == row.key)
        state.container.checkpoint = found.id;
      else
        state.container.failed = "what was saved is not of '" + oci::full_name(container) + "'";
    }
    return state;
  }
  return state;
}

}  // namespace reprise::daemon
