// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "catalog/catalog.h"
#include "catalog/internal/ids.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::CheckpointId;

namespace {

// What the column `uploading` says; docs/format/catalog.md.
enum State : int { kThere = 0, kUploading = 1, kRemoved = 2 };

Result<void> note(sqlite3* db, const CheckpointId& checkpoint, const std::string& remote,
                  State state) {
  REPRISE_TRY(
      sqlite::execute(
          db,
          "INSERT INTO copies (checkpoint, remote, uploading) SELECT id, ?2, ?3 FROM checkpoints "
          "WHERE id = ?1 ON CONFLICT (checkpoint, remote) DO UPDATE SET uploading = ?3",
          checkpoint.str(), remote, int{state}),
      "noting where checkpoint '" + checkpoint.str() + "' is");
  return {};
}

}  // namespace

Result<void> Catalog::note_copy(const Copy& copy) {
  return note(db_.get(), copy.checkpoint, copy.remote, copy.uploading ? kUploading : kThere);
}

Result<void> Catalog::note_removed_copy(const CheckpointId& checkpoint, const std::string& remote) {
  return note(db_.get(), checkpoint, remote, kRemoved);
}

Result<std::vector<Copy>> Catalog::copies() {
  const auto copy = [](sqlite::Statement& row) -> Result<Copy> {
    CheckpointId checkpoint = REPRISE_PASS(id_in<CheckpointId>(row, 0));
    return Copy{.checkpoint = std::move(checkpoint),
                .remote = row.text(1),
                .uploading = row.integer(2) == kUploading};
  };
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      "SELECT checkpoint, remote, uploading FROM copies WHERE uploading <> ?1 "
      "ORDER BY checkpoint, remote",
      int{kRemoved}));
  return readable_rows(std::move(statement), copy);
}

Result<std::vector<CheckpointId>> Catalog::lacking_copies(const std::string& remote) {
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db_.get(),
      "SELECT id FROM checkpoints WHERE NOT EXISTS (SELECT 1 FROM copies WHERE checkpoint = id AND "
      "remote = ?1 AND uploading <> ?2) ORDER BY sequence",
      remote, int{kUploading}));
  return readable_rows(std::move(statement),
                       [](sqlite::Statement& row) { return id_in<CheckpointId>(row, 0); });
}

}  // namespace reprise::catalog
