// SPDX-License-Identifier: Apache-2.0
#include "catalog/salvage.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "base/clock.h"
#include "catalog/internal/schema.h"
#include "sqlite/database.h"
#include "sqlite/statement.h"
#include "sys/files.h"

namespace reprise::catalog {

using std::filesystem::path;

namespace {

// Those that others name come first.
constexpr std::array kTables = {"checkpoints", "copies", "continuations",  "containers",
                                "sessions",    "lives",  "consumed_claims"};

Result<std::vector<std::string>> columns_of(sqlite3* db, const std::string& schema,
                                            const std::string& table) {
  sqlite::Statement statement = REPRISE_PASS(
      sqlite::Statement::prepare(db, "PRAGMA " + schema + ".table_info(" + table + ")"));
  constexpr int kName = 1;
  std::vector<std::string> columns;
  while (REPRISE_PASS(statement.step())) columns.push_back(statement.text(kName));
  return columns;
}

// The columns that both have: the old one may be of an older version.
Result<std::string> common_columns(sqlite3* db, const std::string& table) {
  const auto ours = REPRISE_PASS(columns_of(db, "main", table));
  const auto theirs = REPRISE_PASS(columns_of(db, "old", table));
  std::string columns;
  for (const std::string& column : ours)
    if (std::ranges::find(theirs, column) != theirs.end())
      columns += (columns.empty() ? "" : ", ") + column;
  return columns;
}

Result<void> copy_range(sqlite3* db, const std::string& table, const std::string& columns,
                        const std::string& order, std::string_view direction) {
  // Row by row, so that what comes before the damage is kept.
  sqlite::Statement keys = REPRISE_PASS(sqlite::Statement::prepare(
      db,
      "SELECT " + order + " FROM old." + table + " ORDER BY " + order + std::string(direction)));
  while (REPRISE_PASS(keys.step()))
    REPRISE_PASS(sqlite::execute(db,
                                 "INSERT OR IGNORE INTO main." + table + " (" + columns +
                                     ") SELECT " + columns + " FROM old." + table + " WHERE " +
                                     order + " = ?1",
                                 keys.text(0)));
  return {};
}

// From both ends up to the damage.
Result<void> copy_table(sqlite3* db, const std::string& table) {
  const std::string columns = REPRISE_PASS(common_columns(db, table));
  if (columns.empty()) return {};  // of a version that had no such table
  const bool has_rowid = columns.contains("sequence");
  const std::string order = has_rowid ? "sequence" : table == "copies" ? "checkpoint" : "key";
  const Result<void> forward = copy_range(db, table, columns, order, "");
  if (!forward) (void)copy_range(db, table, columns, order, " DESC");
  return forward;
}

Result<std::vector<std::string>> salvage(const path& root, const path& rebuilt) {
  const sqlite::Database db = REPRISE_PASS(sqlite::open_database(rebuilt, kCatalogSchema));
  // References to rows that are lost are found out by repair_catalog().
  REPRISE_PASS(sqlite::run_script(db.get(), "PRAGMA foreign_keys = OFF"));
  const std::string old = (root / kCatalogSchema.file).string();
  std::vector<std::string> lost;
  const Result<int> attached = sqlite::execute(db.get(), "ATTACH ?1 AS old", old);
  for (const char* table : kTables)
    if (!attached || !copy_table(db.get(), table)) lost.emplace_back(table);
  if (attached) REPRISE_PASS(sqlite::run_script(db.get(), "DETACH old"));
  REPRISE_PASS(sqlite::run_script(
      db.get(),
      "DELETE FROM continuations WHERE checkpoint NOT IN"
      " (SELECT id FROM checkpoints);"
      "DELETE FROM copies WHERE checkpoint NOT IN (SELECT id FROM checkpoints)"));
  return lost;
}

Result<void> put_in_place(const path& root, const path& rebuilt, const path& aside) {
  for (const char* suffix : {"-wal", "-shm", ""}) {
    const path file = root / (std::string(kCatalogSchema.file) + suffix);
    std::error_code error;
    if (std::filesystem::exists(file, error))
      REPRISE_PASS(sys::rename_durably(file, aside.string() + suffix));
  }
  return sys::rename_durably(rebuilt / kCatalogSchema.file, root / kCatalogSchema.file);
}

}  // namespace

Result<std::optional<std::string>> find_catalog_damage(const path& root) {
  return sqlite::find_damage(root, kCatalogSchema);
}

Result<SalvagedCatalog> replace_catalog(const path& root) {
  REPRISE_PASS(find_catalog_damage(root));  // not one of the future
  const path rebuilt = root / "catalog.rebuilt";
  REPRISE_PASS(sys::remove_tree(rebuilt));
  REPRISE_PASS(sys::make_directories(rebuilt));
  auto lost = REPRISE_TRY(salvage(root, rebuilt), "reading what is left of the catalog");
  const path aside = root / ("catalog.db.damaged-" + std::to_string(base::now_unix_millis()));
  REPRISE_TRY(put_in_place(root, rebuilt, aside), "replacing the catalog");
  REPRISE_PASS(sys::remove_tree(rebuilt));
  return SalvagedCatalog{.damaged = aside, .lost = std::move(lost)};
}

}  // namespace reprise::catalog
