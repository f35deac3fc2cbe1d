// SPDX-License-Identifier: Apache-2.0
#include "operations/store/waiting.h"

#include <string_view>
#include <utility>

#include "catalog/catalog.h"
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
