// SPDX-License-Identifier: Apache-2.0
#include "operations/container/history.h"

#include <algorithm>
#include <map>
#include <utility>

#include "operations/container/containers.h"

namespace reprise::operations {

using base::Result;
using catalog::LifeEvent;

Result<std::vector<catalog::LifeRow>> history_of(catalog::Catalog& catalog,
                                                 const std::string& name) {
  constexpr int kMostSessions = 500;
  std::vector<catalog::LifeRow> history;
  for (const base::ContainerKey& key : REPRISE_PASS(find_keys(catalog, name))) {
    for (catalog::LifeRow& row : REPRISE_PASS(catalog.lives(key)))
      history.push_back(std::move(row));
    // A checkpoint that came to nothing changed nothing in the container's history, but people ask
    // why there is none.
    for (catalog::SessionRow& row : REPRISE_PASS(catalog.sessions_of(key, kMostSessions)))
      if (row.kind == catalog::SessionKind::kCheckpoint &&
          row.status == catalog::SessionStatus::kFailed)
        history.push_back({.key = key,
                           .time = row.end,
                           .event = LifeEvent::kCheckpointed,
                           .session = row.id,
                           .detail = std::move(row.reason)});
  }
  // Events of one moment stay in their order.
  std::multimap<base::UnixMillis, catalog::LifeRow> by_time;
  for (catalog::LifeRow& row : history) by_time.emplace(row.time, std::move(row));
  history.clear();
  for (auto& [time, row] : by_time) history.push_back(std::move(row));
  return history;
}

std::int64_t cpu_time_kept(const std::vector<catalog::LifeRow>& history) {
  std::int64_t total = 0;
  std::int64_t stretch = 0;
  for (const catalog::LifeRow& row : history) {
    if (row.event == LifeEvent::kStarted) total += std::exchange(stretch, 0);
    if (row.event == LifeEvent::kRestored) stretch = std::max(stretch, row.cpu_time_us);
  }
  return total + stretch;
}

std::string event_name(const catalog::LifeRow& row) {
  if (row.event == LifeEvent::kCheckpointed && row.checkpoint.empty()) return "checkpoint-failed";
  return std::string(catalog::to_string(row.event));
}

}  // namespace reprise::operations
