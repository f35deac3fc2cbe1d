// SPDX-License-Identifier: Apache-2.0
#include "store/catalog.h"
#include "store/internal/statement.h"

namespace reprise::store {

using base::CheckpointId;

Result<void> Catalog::note_copy(const Copy& copy) {
  REPRISE_TRY(
      execute(
          db_.get(),
          "INSERT INTO copies (checkpoint, remote, uploading) SELECT id, ?2, ?3 FROM checkpoints "
          "WHERE id = ?1 ON CONFLICT (checkpoint, remote) DO UPDATE SET uploading = ?3",
          copy.checkpoint.str(), copy.remote, copy.uploading),
      "noting where checkpoint '" + copy.checkpoint.str() + "' is");
  return {};
}

Result<std::vector<Copy>> Catalog::copies() {
  Statement statement = REPRISE_PASS(Statement::prepare(
      db_.get(), "SELECT checkpoint, remote, uploading FROM copies ORDER BY checkpoint, remote"));
  std::vector<Copy> copies;
  while (REPRISE_PASS(statement.step()))
    copies.push_back({.checkpoint = CheckpointId(statement.text(0)),
                      .remote = statement.text(1),
                      .uploading = statement.integer(2) != 0});
  return copies;
}

Result<std::vector<CheckpointId>> Catalog::lacking_copies(const std::string& remote) {
  Statement statement = REPRISE_PASS(Statement::prepare(
      db_.get(),
      "SELECT id FROM checkpoints WHERE NOT EXISTS (SELECT 1 FROM copies WHERE checkpoint = id AND "
      "remote = ?1 AND NOT uploading) ORDER BY sequence",
      remote));
  std::vector<CheckpointId> ids;
  while (REPRISE_PASS(statement.step())) ids.emplace_back(statement.text(0));
  return ids;
}

}  // namespace reprise::store
