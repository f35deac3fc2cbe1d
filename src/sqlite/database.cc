// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>
#include <string>

#include "sqlite/statement.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::sqlite {

using base::Error;
using base::ErrorCode;
using base::fail_errno;

namespace {

Result<std::size_t> version_of(sqlite3* db, const DatabaseSchema& schema) {
  Statement statement = REPRISE_PASS(Statement::prepare(db, "PRAGMA user_version"));
  if (!REPRISE_PASS(statement.step())) return std::size_t{0};
  const std::uint64_t version = statement.natural(0);
  if (version > schema.steps.size())
    return std::unexpected(
        Error(ErrorCode::kUnsupported,
              "the " + std::string(schema.name) + " was written by a newer version of Reprise")
            .with_hint("upgrade Reprise on this host"));
  return version;
}

Result<void> upgrade(sqlite3* db, const std::filesystem::path& root, const DatabaseSchema& schema) {
  // SQLite does not wait for others while a database changes to WAL, so those who find it empty
  // take turns by a lock of our own.
  const sys::FileLock lock = REPRISE_PASS(sys::FileLock::lock(root / "catalog.lock", kBusyTimeout));
  if (REPRISE_PASS(version_of(db, schema)) == 0)
    REPRISE_PASS(run_script(db, "PRAGMA journal_mode = WAL"));
  Transaction transaction = REPRISE_PASS(Transaction::begin(db));
  const std::size_t version = REPRISE_PASS(version_of(db, schema));
  for (const char* step : schema.steps.subspan(version)) REPRISE_PASS(run_script(db, step));
  const std::string stamp = "PRAGMA user_version = " + std::to_string(schema.steps.size());
  REPRISE_PASS(run_script(db, stamp.c_str()));
  return transaction.commit();
}

Result<void> prepare(sqlite3* db, const std::filesystem::path& root, const DatabaseSchema& schema) {
  REPRISE_PASS(run_script(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  if (REPRISE_PASS(version_of(db, schema)) == schema.steps.size()) return {};
  return upgrade(db, root, schema);
}

}  // namespace

void CloseDatabase::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Result<Database> open_database(const std::filesystem::path& root, const DatabaseSchema& schema) {
  const std::filesystem::path file = root / schema.file;
  const std::string step = "opening the " + std::string(schema.name) + " '" + file.string() + "'";
  REPRISE_TRY(sys::make_directories(root), step);
  // SQLite would create the file readable for all. mknod instead of open, because closing any
  // descriptor of a database drops the locks that this process's other connections hold on it.
  if (::mknod(file.c_str(), S_IFREG | sys::kPrivateFile, 0) != 0 && errno != EEXIST)
    return fail_errno(errno, step);
  sqlite3* opened = nullptr;
  const int result =
      sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database db(opened);  // also to be closed after a failure
  if (result != SQLITE_OK) return std::unexpected(database_error(db.get()).with_step(step));
  sqlite3_busy_timeout(db.get(), static_cast<int>(kBusyTimeout.count()));
  REPRISE_TRY(prepare(db.get(), root, schema), step);
  return db;
}

namespace {

Result<std::optional<std::string>> damage_of(sqlite3* db, const DatabaseSchema& schema) {
  REPRISE_PASS(version_of(db, schema));
  Statement statement = REPRISE_PASS(Statement::prepare(db, "PRAGMA integrity_check(1)"));
  if (!REPRISE_PASS(statement.step())) return "SQLite cannot check it";
  const std::string said = statement.text(0);
  if (said == "ok") return std::nullopt;
  return said.substr(0, said.find('\n'));
}

}  // namespace

Result<std::optional<std::string>> find_damage(const std::filesystem::path& root,
                                               const DatabaseSchema& schema) {
  const std::filesystem::path file = root / schema.file;
  const std::string step = "checking the " + std::string(schema.name) + " '" + file.string() + "'";
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return fail_errno(errno, step);
  }
  sqlite3* opened = nullptr;
  // For writing, though nothing is: where nobody has it open, its log is to be read as well.
  const int result =
      sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  const Database db(opened);
  if (result != SQLITE_OK) return std::unexpected(database_error(db.get()).with_step(step));
  sqlite3_busy_timeout(db.get(), static_cast<int>(kBusyTimeout.count()));
  auto damage = damage_of(db.get(), schema);
  if (!damage && damage.error().code() == ErrorCode::kCorrupt) return damage.error().message();
  return REPRISE_TRY(std::move(damage), step);
}

}  // namespace reprise::sqlite
