// SPDX-License-Identifier: Apache-2.0
#include "operations/container/sessions.h"

#include <thread>

namespace reprise::operations {

Result<std::optional<catalog::SessionRow>> session_since(catalog::Catalog& catalog,
                                                         const base::ContainerKey& key,
                                                         catalog::SessionKind kind,
                                                         base::UnixMillis since) {
  // Others of this container may have begun meanwhile, but hardly this many.
  constexpr int kNewest = 20;
  for (catalog::SessionRow& session : REPRISE_PASS(catalog.sessions_of(key, kNewest)))
    if (session.kind == kind && session.begin >= since) return std::move(session);
  return std::nullopt;
}

Result<std::optional<catalog::SessionRow>> finished_session_since(
    catalog::Catalog& catalog, const base::ContainerKey& key, catalog::SessionKind kind,
    base::UnixMillis since, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPollInterval{20};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    auto session = REPRISE_PASS(session_since(catalog, key, kind, since));
    if (!session || session->status != catalog::SessionStatus::kRunning ||
        std::chrono::steady_clock::now() >= deadline)
      return session;
    std::this_thread::sleep_for(kPollInterval);
  }
}

Result<std::optional<catalog::LifeRow>> life_event_since(catalog::Catalog& catalog,
                                                         const base::ContainerKey& key,
                                                         catalog::LifeEvent event,
                                                         base::UnixMillis since) {
  std::optional<catalog::LifeRow> newest;
  for (catalog::LifeRow& row : REPRISE_PASS(catalog.lives(key)))
    if (row.event == event && row.time >= since) newest = std::move(row);
  return newest;
}

std::string failure_of(const catalog::SessionRow& session) {
  if (session.status == catalog::SessionStatus::kRunning)
    return "session '" + session.id.str() + "' has not ended";
  if (!session.reason.empty()) return session.reason;
  return "session '" + session.id.str() + "' says only '" + std::string(to_string(session.status)) +
         "'";
}

std::string hint_for(const catalog::SessionRow& session) {
  if (!session.hint.empty()) return session.hint;
  return "see 'reprise logs " + session.id.str() + "'";
}

}  // namespace reprise::operations
