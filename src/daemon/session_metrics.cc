// SPDX-License-Identifier: Apache-2.0
#include "daemon/session_metrics.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "json/reader.h"

namespace reprise::daemon {

using base::Result;
using catalog::SessionKind;
using catalog::SessionStatus;

namespace {

// More than end on a node between two looks.
constexpr int kSessions = 500;

using nlohmann::ordered_json;

// In the order in which they ran; none where the row has none.
ordered_json phases_of(const catalog::SessionRow& row) {
  ordered_json phases = json_reader::parse_or_discarded<ordered_json>(row.phases);
  return phases.is_object() ? phases : ordered_json::object();
}

// "finish" follows whatever failed.
std::string failed_phase(const ordered_json& phases) {
  std::string last = "unknown";
  for (const auto& [name, ms] : phases.items())
    if (name != "finish") last = name;
  return last;
}

}  // namespace

void count_session(Metrics& metrics, const catalog::SessionRow& row, std::uint64_t bytes) {
  const bool is_checkpoint = row.kind == SessionKind::kCheckpoint;
  const std::string session = is_checkpoint ? "checkpoint" : "restore";
  const std::string trigger = is_checkpoint ? row.trigger : "create";
  const bool ok = row.status == SessionStatus::kOk;
  metrics.add("reprise_sessions_total",
              {{"session", session}, {"trigger", trigger}, {"outcome", ok ? "ok" : "failed"}});
  metrics.observe("reprise_session_seconds", {{"session", session}},
                  static_cast<double>(row.end - row.begin) / 1000);
  const ordered_json phases = phases_of(row);
  if (!ok)
    return metrics.add("reprise_session_failures_total",
                       {{"session", session}, {"phase", failed_phase(phases)}});
  for (const auto& [name, ms] : phases.items())
    if (ms.is_number())
      metrics.observe("reprise_phase_seconds", {{"session", session}, {"phase", name}},
                      ms.get<double>() / 1000);
  if (is_checkpoint) metrics.add("reprise_checkpoint_bytes_total", {}, static_cast<double>(bytes));
}

Result<void> SessionMetrics::read(catalog::Catalog& catalog) {
  std::set<std::string> ended;
  for (const catalog::SessionRow& row : REPRISE_PASS(catalog.sessions(kSessions))) {
    if (row.status == SessionStatus::kRunning) continue;
    ended.insert(row.id.str());
    if (!began_ || ended_.contains(row.id.str())) continue;
    std::uint64_t bytes = 0;
    if (row.kind == SessionKind::kCheckpoint && row.status == SessionStatus::kOk)
      if (const auto found = catalog.find_checkpoint(row.checkpoint.str())) bytes = found->bytes;
    count_session(metrics_, row, bytes);
  }
  ended_ = std::move(ended);
  began_ = true;
  return {};
}

}  // namespace reprise::daemon
