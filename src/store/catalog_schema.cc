// SPDX-License-Identifier: Apache-2.0
#include "store/internal/catalog_schema.h"
#include "store/catalog.h"
#include "store/internal/statement.h"
#include "sys/file_lock.h"

namespace reprise::store {

using base::ErrorCode;

namespace {

constexpr const char* kCreateTables = R"sql(
CREATE TABLE checkpoints (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  tag TEXT NOT NULL,
  trigger_name TEXT NOT NULL,
  ended INTEGER NOT NULL,
  created INTEGER NOT NULL,
  freeze_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  cpu_time_us INTEGER NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_key ON checkpoints (key, created);

CREATE TABLE continuations (
  key TEXT PRIMARY KEY NOT NULL,
  checkpoint TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,
  attempts INTEGER NOT NULL DEFAULT 0,
  session TEXT NOT NULL DEFAULT '',
  claimer_pid INTEGER NOT NULL DEFAULT 0,
  claimer_start_ticks INTEGER NOT NULL DEFAULT 0,
  claimer_boot TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX continuations_by_checkpoint ON continuations (checkpoint);

CREATE TABLE lives (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  time INTEGER NOT NULL,
  event TEXT NOT NULL,
  session TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  detail TEXT NOT NULL,
  freeze_ms INTEGER NOT NULL,
  restore_ms INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  cpu_time_us INTEGER NOT NULL
) STRICT;
CREATE INDEX lives_by_key ON lives (key, time);

CREATE TABLE containers (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  image TEXT NOT NULL,
  create_command TEXT NOT NULL,
  command_image_index INTEGER NOT NULL
) STRICT;
CREATE INDEX containers_by_name ON containers (name);

CREATE TABLE sessions (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  trigger_name TEXT NOT NULL,
  began INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  hint TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  phases TEXT NOT NULL,
  log_directory TEXT NOT NULL
) STRICT;
)sql";

constexpr const char* kVersion2 = R"sql(
CREATE TABLE copies (
  checkpoint TEXT NOT NULL REFERENCES checkpoints (id) ON DELETE CASCADE,
  remote TEXT NOT NULL,
  uploading INTEGER NOT NULL,
  PRIMARY KEY (checkpoint, remote)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
)sql";
static_assert(kSchemaVersion == 2, "a new version needs an upgrade step and its user_version");

Result<int> schema_version(sqlite3* db) {
  Statement statement = REPRISE_PASS(Statement::prepare(db, "PRAGMA user_version"));
  if (!REPRISE_PASS(statement.step())) return 0;
  const auto version = static_cast<int>(statement.integer(0));
  if (version > kSchemaVersion)
    return std::unexpected(base::Error(ErrorCode::kUnsupported,
                                       "the catalog was written by a newer version of Reprise")
                               .with_hint("upgrade Reprise on this host"));
  return version;
}

Result<void> create_tables(sqlite3* db, const std::filesystem::path& root) {
  // SQLite does not wait for others while a database changes to WAL, so those who find it empty
  // take turns by a lock of our own.
  const sys::FileLock lock = REPRISE_PASS(sys::FileLock::lock(root / "catalog.lock", kBusyTimeout));
  const int version = REPRISE_PASS(schema_version(db));
  if (version == kSchemaVersion) return {};
  if (version == 0) REPRISE_PASS(run_script(db, "PRAGMA journal_mode = WAL"));
  Transaction transaction = REPRISE_PASS(Transaction::begin(db));
  if (version == 0) REPRISE_PASS(run_script(db, kCreateTables));
  REPRISE_PASS(run_script(db, kVersion2));
  return transaction.commit();
}

}  // namespace

Result<void> prepare_database(sqlite3* db, const std::filesystem::path& root) {
  REPRISE_PASS(run_script(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  if (REPRISE_PASS(schema_version(db)) == kSchemaVersion) return {};
  return create_tables(db, root);
}

}  // namespace reprise::store
