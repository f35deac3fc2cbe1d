// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions.h"

#include <algorithm>

namespace reprise::daemon {

using base::Result;

namespace {

// A pod's container is restored once, and stopped once; people may checkpoint it besides.
constexpr int kOfAContainer = 100;

// As oci::key_name() makes it; empty for the key of no pod's container.
std::string pod_uid_of(const base::ContainerKey& key) {
  constexpr std::string_view kPod = "@pod:";
  const std::string& text = key.str();
  const std::size_t at = text.find(kPod);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + kPod.size();
  return text.substr(begin, text.find(':', begin) - begin);
}

}  // namespace

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
  const auto rows = REPRISE_PASS(catalog.sessions_named(oci::key_name(container), kOfAContainer));
  const auto stop = std::ranges::find_if(rows, [](const catalog::SessionRow& row) {
    return row.kind == catalog::SessionKind::kCheckpoint &&
           row.trigger == to_string(image::Trigger::kStop);
  });
  if (stop == rows.end()) return state;
  const catalog::SessionRow& row = *stop;
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

Result<void> drop_of_gone_pods(catalog::Catalog& catalog, const base::CheckpointId& id,
                               const std::function<bool(const std::string& uid)>& is_there) {
  for (const base::ContainerKey& key : REPRISE_PASS(catalog.continued_by(id))) {
    const std::string uid = pod_uid_of(key);
    if (!uid.empty() && !is_there(uid)) REPRISE_PASS(catalog.drop_continuation(key));
  }
  return {};
}

Result<Continued> what_became_of(catalog::Catalog& catalog, const oci::PodContainer& container,
                                 const base::CheckpointId& from) {
  const base::KeyName name = oci::key_name(container);
  Continued found;
  // What was said first counts: a container that went on may crash, and then begins anew.
  for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives_named(name))) {
    const bool is_anew = life.event == catalog::LifeEvent::kStarted;
    if (!is_anew && life.event != catalog::LifeEvent::kRestored) continue;
    found.how = is_anew ? Continued::How::kAnew : Continued::How::kResumed;
    found.why = life.detail;
    break;
  }
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.sessions_named(name, kOfAContainer))) {
    if (row.kind != catalog::SessionKind::kRestore) continue;
    found.is_underway = found.is_underway || row.status == catalog::SessionStatus::kRunning;
    // The history may lack it, where the worker was killed.
    if (row.status == catalog::SessionStatus::kOk && row.checkpoint == from &&
        found.how == Continued::How::kNot)
      found.how = Continued::How::kResumed;
  }
  return found;
}

Result<bool> may_run(catalog::Catalog& catalog, const oci::PodContainer& container) {
  const base::KeyName name = oci::key_name(container);
  bool is_begun = false;
  for (const catalog::LifeRow& life : REPRISE_PASS(catalog.lives_named(name))) {
    if (life.event == catalog::LifeEvent::kStarted || life.event == catalog::LifeEvent::kRestored)
      is_begun = true;
    if (life.event == catalog::LifeEvent::kEnded) is_begun = false;
  }
  const auto sessions = REPRISE_PASS(catalog.sessions_named(name, kOfAContainer));
  return is_begun || std::ranges::any_of(sessions, [](const catalog::SessionRow& row) {
           return row.kind == catalog::SessionKind::kRestore &&
                  row.status == catalog::SessionStatus::kRunning;
         });
}

}  // namespace reprise::daemon
