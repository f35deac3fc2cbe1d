// SPDX-License-Identifier: Apache-2.0
//
// The catalog's tables and their versions; docs/format/catalog.md.
#include "catalog/internal/schema.h"

namespace reprise::catalog {

namespace {

constexpr const char* kVersion1 = R"sql(
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
)sql";

constexpr const char* kVersion3 = R"sql(
ALTER TABLE checkpoints ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE checkpoints ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT -1;
)sql";

// `create_command` is plain, as versions before wrote it: empty from now on (sealed_commands.cc).
constexpr const char* kVersion4 = R"sql(
ALTER TABLE containers ADD COLUMN sealed_command BLOB NOT NULL DEFAULT x'';
)sql";

// What a session of this store recorded is known to be its own; of the rest nobody knows.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE checkpoints ADD COLUMN made_here INTEGER NOT NULL DEFAULT 0;
UPDATE checkpoints SET made_here = 1 WHERE trigger_name <> 'import' AND id IN
  (SELECT checkpoint FROM sessions WHERE kind = 'checkpoint' AND status = 'ok');
)sql";

// Of a session that was cut off before this version it is told by what is left: who gives a claim
// back leaves the continuation.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE consumed_claims (
  session TEXT PRIMARY KEY NOT NULL,
  key TEXT NOT NULL
) STRICT;
INSERT INTO consumed_claims (session, key)
  SELECT id, key FROM sessions AS s WHERE kind = 'restore' AND status = 'running' AND NOT EXISTS
    (SELECT 1 FROM continuations AS c WHERE c.key = s.key AND c.checkpoint = s.checkpoint);
)sql";

// A new version is a new step at the end; those that were released never change.
constexpr const char* kSteps[] = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5, kVersion6};

}  // namespace

constinit const sqlite::DatabaseSchema kCatalogSchema{
    .file = "catalog.db", .name = "catalog", .steps = kSteps};

}  // namespace reprise::catalog
