// SPDX-License-Identifier: Apache-2.0
#include "operations/container/session_logs.h"

#include <string_view>

#include "operations/container/containers.h"
#include "sys/files.h"

namespace reprise::operations {

using base::ErrorCode;
using base::fail;
using base::Result;

Result<catalog::SessionRow> find_session(catalog::Catalog& catalog, const std::string& wanted) {
  Result<catalog::SessionRow> session = catalog.find_session(wanted);
  if (session || session.error().code() != ErrorCode::kNotFound) return session;
  const auto keys = find_keys(catalog, wanted);
  if (!keys) {
    if (keys.error().code() != ErrorCode::kNotFound) return std::unexpected(keys.error());
    return std::unexpected(
        base::Error(ErrorCode::kNotFound, "there is no session and no container '" + wanted + "'")
            .with_hint("'reprise logs' lists sessions, 'reprise ps' containers"));
  }
  std::optional<catalog::SessionRow> newest;
  for (const base::ContainerKey& key : *keys)
    for (catalog::SessionRow& row : REPRISE_PASS(catalog.sessions_of(key, 1)))
      if (!newest || row.begin > newest->begin) newest = std::move(row);
  if (newest) return std::move(*newest);
  return fail(ErrorCode::kNotFound, "container '" + wanted + "' has had no session");
}

Result<SessionLogs> load_session_logs(const std::filesystem::path& directory, Cause find) {
  SessionLogs logs;
  constexpr std::string_view kOurs = "reprise.log";
  for (const std::string_view name : {kOurs, {"dump.log"}, {"restore.log"}, {"runc.log"}}) {
    auto text = sys::read_file(directory / name);
    if (!text && text.error().code() == ErrorCode::kNotFound) continue;
    if (!text) return std::unexpected(std::move(text).error());
    if (find == Cause::kFind && name != kOurs && !logs.cause) {
      logs.cause = image::find_cause(*text);
      if (logs.cause) logs.cause_file = name;
    }
    logs.files.push_back({.path = directory / name, .text = *std::move(text)});
  }
  return logs;
}

}  // namespace reprise::operations
