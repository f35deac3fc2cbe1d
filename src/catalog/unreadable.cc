// SPDX-License-Identifier: Apache-2.0
//
// Rows that hold what we never wrote: named, mended, put aside.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/internal/ids.h"
#include "catalog/internal/schema.h"
#include "image/manifest.h"
#include "sqlite/statement.h"
#include "sys/files.h"

namespace reprise::catalog {

using base::ErrorCode;
using base::fail;

namespace {

template <typename Id>
bool is_id_or_none(const std::string& text) {
  return Id::parse_optional(text).has_value();
}

bool is_trigger(const std::string& text) { return image::parse_trigger(text).has_value(); }

struct CheckedColumn {
  const char* table;
  const char* column;
  const char* what;  // "is no " WHAT
  bool (*fits)(const std::string& text);
};

using base::CheckpointId;
using base::ContainerKey;
using base::SessionId;

// All of a table together. Not `copies`, which is one with `checkpoints`.
constexpr std::array kChecked{
    CheckedColumn{"checkpoints", "id", "id", is_id_or_none<CheckpointId>},
    CheckedColumn{"checkpoints", "key", "id", is_id_or_none<ContainerKey>},
    CheckedColumn{"checkpoints", "trigger_name", "trigger", is_trigger},
    CheckedColumn{"continuations", "key", "id", is_id_or_none<ContainerKey>},
    CheckedColumn{"continuations", "checkpoint", "id", is_id_or_none<CheckpointId>},
    CheckedColumn{"containers", "key", "id", is_id_or_none<ContainerKey>},
    CheckedColumn{"sessions", "id", "id", is_id_or_none<SessionId>},
    CheckedColumn{"sessions", "key", "id", is_id_or_none<ContainerKey>},
    CheckedColumn{"sessions", "kind", "kind of session", is_session_kind},
    CheckedColumn{"sessions", "status", "end of a session", is_session_status},
    CheckedColumn{"sessions", "checkpoint", "id", is_id_or_none<CheckpointId>},
    CheckedColumn{"lives", "key", "id", is_id_or_none<ContainerKey>},
    CheckedColumn{"lives", "event", "event of a life", is_life_event},
    CheckedColumn{"lives", "session", "id", is_id_or_none<SessionId>},
    CheckedColumn{"lives", "checkpoint", "id", is_id_or_none<CheckpointId>}};

// Which of the columns is the first that does not fit, beginning with `s`'s second.
const CheckedColumn* misfit(const sqlite::Statement& s, std::span<const CheckedColumn> columns) {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (!columns[i].fits(s.text(static_cast<int>(i) + 1))) return &columns[i];
  return nullptr;
}

Result<std::vector<UnreadableRow>> misfits(sqlite3* db, std::span<const CheckedColumn> columns) {
  const std::string table = columns.front().table;
  std::string select = "SELECT rowid";
  for (const CheckedColumn& column : columns) select += std::string(", ") + column.column;
  sqlite::Statement rows =
      REPRISE_PASS(sqlite::Statement::prepare(db, select + " FROM " + table + " ORDER BY rowid"));
  std::vector<UnreadableRow> found;
  while (REPRISE_PASS(rows.step())) {
    const CheckedColumn* const bad = misfit(rows, columns);
    if (bad == nullptr) continue;
    const int column = static_cast<int>(bad - columns.data()) + 1;
    found.push_back({.table = table,
                     .row = rows.integer(0),
                     .id = rows.text(1),
                     .what = "row " + std::to_string(rows.integer(0)) + " of the catalog's " +
                             table + ": '" + rows.text(column) + "' is no " + bad->what});
  }
  return found;
}

// What is gone with a checkpoint goes aside with it.
Result<void> copy_aside(sqlite3* db, const std::string& table, const std::string& where,
                        const UnreadableRow& row) {
  REPRISE_PASS(sqlite::execute(db, "CREATE TABLE IF NOT EXISTS aside." + table +
                                       " AS SELECT * FROM main." + table + " WHERE 0"));
  REPRISE_PASS(sqlite::execute(
      db, "INSERT INTO aside." + table + " SELECT * FROM main." + table + " WHERE " + where,
      row.row));
  return {};
}

// Each step is durable before the next: a crash may leave a row in both places, never in none.
Result<void> move_aside(sqlite3* db, const UnreadableRow& row) {
  REPRISE_PASS(copy_aside(db, row.table, "rowid = ?1", row));
  if (row.table == "checkpoints")
    for (const char* dependent : {"continuations", "copies"})
      REPRISE_PASS(copy_aside(
          db, dependent, "checkpoint = (SELECT id FROM main.checkpoints WHERE rowid = ?1)", row));
  REPRISE_PASS(sqlite::execute(db, "DELETE FROM main." + row.table + " WHERE rowid = ?1", row.row));
  return {};
}

}  // namespace

Result<std::vector<UnreadableRow>> Catalog::unreadable_rows() {
  std::vector<UnreadableRow> found;
  std::span<const CheckedColumn> left(kChecked);
  while (!left.empty()) {
    std::size_t count = 1;
    while (count < left.size() && std::string_view(left[count].table) == left.front().table)
      ++count;
    std::ranges::move(REPRISE_PASS(misfits(db_.get(), left.first(count))),
                      std::back_inserter(found));
    left = left.subspan(count);
  }
  return found;
}

Result<std::optional<base::UnixMillis>> Catalog::creation_of(const UnreadableRow& row) {
  if (row.table != "checkpoints") return std::nullopt;
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(), "SELECT created FROM checkpoints WHERE rowid = ?1", row.row));
  if (!REPRISE_PASS(statement.step())) return std::nullopt;
  return std::optional(statement.integer(0));
}

Result<void> Catalog::rewrite_checkpoint(const UnreadableRow& row,
                                         const image::Manifest& manifest) {
  if (row.table != "checkpoints")
    return fail(ErrorCode::kInvalidInput, row.what + ", and tells of no checkpoint");
  sqlite::Transaction transaction = REPRISE_PASS(sqlite::Transaction::begin(db_.get()));
  // What names the checkpoint follows it.
  REPRISE_PASS(sqlite::run_script(db_.get(), "PRAGMA defer_foreign_keys = ON"));
  for (const char* dependent : {"continuations", "copies"})
    REPRISE_PASS(sqlite::execute(
        db_.get(),
        std::string("UPDATE ") + dependent + " SET checkpoint = ?2 WHERE checkpoint = ?1", row.id,
        manifest.id.str()));
  REPRISE_TRY(sqlite::execute(db_.get(),
                              "UPDATE checkpoints SET id = ?2, key = ?3, trigger_name = ?4,"
                              " ended = ?5, created = ?6, freeze_ms = ?7, bytes = ?8,"
                              " cpu_time_us = ?9 WHERE rowid = ?1",
                              row.row, manifest.id.str(), manifest.key.str(),
                              image::to_string(manifest.trigger), manifest.ended, manifest.created,
                              manifest.freeze_ms, image::bytes_of(manifest), manifest.cpu_time_us),
              "rewriting checkpoint '" + manifest.id.str() + "'");
  return transaction.commit();
}

Result<std::filesystem::path> Catalog::set_aside(const std::filesystem::path& root,
                                                 const std::vector<UnreadableRow>& rows) {
  const std::filesystem::path file = root / (std::string(kCatalogSchema.file) + ".set-aside-" +
                                             std::to_string(base::now_unix_millis()));
  REPRISE_PASS(sys::replace_file(file, ""));
  REPRISE_TRY(sqlite::execute(db_.get(), "ATTACH ?1 AS aside", file.string()),
              "opening '" + file.string() + "'");
  Result<void> moved{};
  for (const UnreadableRow& row : rows)
    if (moved) moved = move_aside(db_.get(), row);
  REPRISE_PASS(sqlite::run_script(db_.get(), "DETACH aside"));
  REPRISE_TRY(moved, "putting rows of the catalog aside");
  return file;
}

}  // namespace reprise::catalog
