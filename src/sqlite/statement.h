// SPDX-License-Identifier: Apache-2.0
//
// SQLite without its manual bookkeeping: statements that finalize themselves, transactions that
// roll back unless committed, errors as Result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace reprise::sqlite {

using base::Result;

// What went wrong in the last call on `db`, with the name of its file. kBusy when another writer
// held the lock for longer than kBusyTimeout, kCorrupt for a damaged database, kInvalidInput for a
// broken constraint, else kIo, kDenied or kInternal.
base::Error database_error(sqlite3* db);

// Bytes as they are, for a column of type BLOB. Read them as text().
struct Blob {
  std::span<const std::byte> bytes;
};

// One prepared statement. Must not outlive its connection.
class Statement {
 public:
  // Parameters ?1, ?2, … are bound in order; their texts need not outlive the call.
  template <typename... Values>
  static Result<Statement> prepare(sqlite3* db, std::string_view sql, const Values&... values) {
    Statement statement = REPRISE_PASS(compile(db, sql));
    REPRISE_PASS(statement.again(values...));
    return statement;
  }

  // From the beginning, with other parameters.
  template <typename... Values>
  Result<void> again(const Values&... values) {
    reset();
    int index = 0;
    bool bound = true;
    ((bound = bound && bind(++index, values)), ...);
    if (!bound) return std::unexpected(error());
    return {};
  }

  // Ends it; a statement that is not at its end keeps a transaction open.
  void reset();

  // Goes to the next row; false after the last.
  Result<bool> step();

  // Columns of the current row, from 0.
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  // Integers that are unsigned for us, stored by their bits: SQLite knows signed ones only.
  [[nodiscard]] std::uint64_t natural(int column) const {
    return static_cast<std::uint64_t>(integer(column));
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] base::Error error() const;
  static Result<Statement> compile(sqlite3* db, std::string_view sql);
  bool bind(int index, std::string_view value);
  bool bind(int index, const std::string& value) { return bind(index, std::string_view(value)); }
  bool bind(int index, Blob value);
  bool bind(int index, std::int64_t value);
  bool bind(int index, int value) { return bind(index, std::int64_t{value}); }
  bool bind(int index, bool value) { return bind(index, std::int64_t{value ? 1 : 0}); }
  bool bind(int index, std::uint64_t value) {
    return bind(index, static_cast<std::int64_t>(value));
  }

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Runs a statement that gives no rows; returns how many rows it changed.
template <typename... Values>
Result<int> execute(sqlite3* db, std::string_view sql, const Values&... values);
// Runs several statements without parameters.
Result<void> run_script(sqlite3* db, const char* sql);

int changed_rows(sqlite3* db);

template <typename... Values>
Result<int> execute(sqlite3* db, std::string_view sql, const Values&... values) {
  Statement statement = REPRISE_PASS(Statement::prepare(db, sql, values...));
  while (REPRISE_PASS(statement.step())) {
  }
  return changed_rows(db);
}

// A write transaction: takes the write lock at its begin, so that what it reads cannot change
// before it writes. Dropped uncommitted, it rolls back.
class Transaction {
 public:
  static Result<Transaction> begin(sqlite3* db);
  Result<void> commit();

 private:
  struct Rollback {
    void operator()(sqlite3* db) const;
  };
  explicit Transaction(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Rollback> db_;
};

// All that is read while it exists is of one moment.
class ReadTransaction {
 public:
  static Result<ReadTransaction> begin(sqlite3* db);

 private:
  struct End {
    void operator()(sqlite3* db) const;
  };
  explicit ReadTransaction(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, End> db_;
};

}  // namespace reprise::sqlite
