// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include <filesystem>

#include "sqlite/statement.h"

namespace reprise::sqlite {

using base::Error;
using base::ErrorCode;

namespace {

ErrorCode code_of(int result) {
  constexpr int kPrimaryMask = 0xFF;  // extended result codes keep the primary in their low byte
  switch (result & kPrimaryMask) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kBusy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_CONSTRAINT:
      return ErrorCode::kInvalidInput;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return ErrorCode::kDenied;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

Error database_error(sqlite3* db) {
  const char* const file = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  const std::string name = std::filesystem::path(file == nullptr ? "" : file).filename().string();
  return {code_of(sqlite3_errcode(db)), "'" + name + "': " + sqlite3_errmsg(db)};
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Statement> Statement::compile(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* compiled = nullptr;
  if (sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &compiled, nullptr) !=
      SQLITE_OK)
    return std::unexpected(database_error(db));
  return Statement(compiled);
}

namespace {

// Makes SQLite copy what is bound. (SQLITE_TRANSIENT is an old-style cast.)
sqlite3_destructor_type copied() {
  return reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});  // NOLINT: SQLite's own way
}

}  // namespace

bool Statement::bind(int index, std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* const data = value.empty() ? "" : value.data();
  return sqlite3_bind_text64(statement_.get(), index, data, value.size(), copied(), SQLITE_UTF8) ==
         SQLITE_OK;
}

bool Statement::bind(int index, Blob value) {
  return sqlite3_bind_blob64(statement_.get(), index, value.bytes.data(), value.bytes.size(),
                             copied()) == SQLITE_OK;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

Error Statement::error() const { return database_error(sqlite3_db_handle(statement_.get())); }

bool Statement::bind(int index, std::int64_t value) {
  return sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK;
}

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return std::unexpected(database_error(sqlite3_db_handle(statement_.get())));
  }
}

std::string Statement::text(int column) const {
  const unsigned char* const data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(bytes)};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

Result<void> run_script(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(database_error(db));
  return {};
}

int changed_rows(sqlite3* db) { return sqlite3_changes(db); }

void Transaction::Rollback::operator()(sqlite3* db) const {
  // Some errors (a full disk) have rolled back already; then this does nothing.
  sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<Transaction> Transaction::begin(sqlite3* db) {
  REPRISE_PASS(run_script(db, "BEGIN IMMEDIATE"));
  return Transaction(db);
}

Result<void> Transaction::commit() {
  REPRISE_PASS(run_script(db_.get(), "COMMIT"));
  (void)db_.release();
  return {};
}

void ReadTransaction::End::operator()(sqlite3* db) const {
  sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
}

Result<ReadTransaction> ReadTransaction::begin(sqlite3* db) {
  REPRISE_PASS(run_script(db, "BEGIN"));
  return ReadTransaction(db);
}

}  // namespace reprise::sqlite
