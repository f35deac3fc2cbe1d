// SPDX-License-Identifier: Apache-2.0
#include "operations/store/waiting.h"

#include <string_view>
#include <utility>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "operations/transfer/upload_failures.h"
#include "store/open_catalog.h"
#include "sys/exists.h"
#include "sys/files.h"

namespace reprise::operations {

using base::Result;
using std::filesystem::path;

namespace {

constexpr std::string_view kUndo = ".undo.json";
constexpr std::string_view kRows = "catalog.db.set-aside-";

Waiting waiting_of_session(const path& file) {
  std::string session = file.filename().string();
  if (!session.ends_with(kUndo))
    return {.what = "session '" + session + "', whose note could not be read, lies in '" +
                    file.string() + "'",
            .remedy = "see what it left of the container, then remove that directory"};
  session.resize(session.size() - kUndo.size());
  return {
      .what = "what session '" + session + "' could not undo is listed in '" + file.string() + "'",
      .remedy = "'reprise logs " + session + "' says why; undo it by hand, then remove that file"};
}

Result<std::vector<std::string>> names_in(const path& directory) {
  if (!REPRISE_PASS(sys::exists(directory))) return std::vector<std::string>();
  return sys::names_in(directory);
}

}  // namespace

Result<std::vector<Waiting>> set_aside(const host::Layout& layout) {
  std::vector<Waiting> found;
  const path sessions = layout.run / "set-aside";
  for (const std::string& name : REPRISE_PASS(names_in(sessions)))
    found.push_back(waiting_of_session(sessions / name));
  for (const std::string& name : REPRISE_PASS(names_in(layout.store)))
    if (name.starts_with(kRows) && !name.ends_with("-journal"))
      found.push_back({.what = "rows that 'reprise store repair' put aside lie in '" +
                               (layout.store / name).string() + "'",
                       .remedy = "look at them with sqlite3, then remove that file"});
  return found;
}

Result<std::vector<Waiting>> failing_uploads(const Node& node) {
  std::vector<Waiting> found;
  const base::UnixMillis now = base::now_unix_millis();
  for (const UploadFailure& one : REPRISE_PASS(upload_failures(node))) {
    const std::string lacks = one.lacking.size() == 1
                                  ? "1 checkpoint is"
                                  : std::to_string(one.lacking.size()) + " checkpoints are";
    found.push_back({.what = lacks + " not at '" + one.remote + "': uploads fail since " +
                             base::to_iso8601(one.since) + " (" + base::to_age(one.since, now) +
                             ", last tried " + base::to_age(one.last, now) + " ago): " + one.reason,
                     .remedy = (one.hint.empty() ? "" : one.hint + "; ") +
                               "'reprise store upload' tries again, and says what it finds"});
  }
  return found;
}

Result<std::vector<Waiting>> unreadable_rows(const Node& node) {
  std::vector<Waiting> found;
  if (!REPRISE_PASS(catalog::Catalog::exists(node.layout.store))) return found;
  catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(node.store));
  for (catalog::UnreadableRow& row : REPRISE_PASS(catalog.unreadable_rows()))
    found.push_back({.what = std::move(row.what) + ", so it is not listed",
                     .remedy = "'reprise store repair' makes it anew, or puts it aside"});
  return found;
}

}  // namespace reprise::operations
