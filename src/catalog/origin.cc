// SPDX-License-Identifier: Apache-2.0
#include "catalog/origin.h"

#include "catalog/internal/schema.h"
#include "sqlite/database.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

using base::Result;

Result<void> note_made_here(const std::filesystem::path& root,
                            const base::CheckpointId& checkpoint) {
  const sqlite::Database db = REPRISE_PASS(sqlite::open_database(root, kCatalogSchema));
  REPRISE_TRY(sqlite::execute(db.get(), "UPDATE checkpoints SET made_here = 1 WHERE id = ?1",
                              checkpoint.str()),
              "noting the origin of checkpoint '" + checkpoint.str() + "'");
  return {};
}

Result<bool> is_made_here(const std::filesystem::path& root, const base::CheckpointId& checkpoint) {
  const sqlite::Database db = REPRISE_PASS(sqlite::open_database(root, kCatalogSchema));
  sqlite::Statement statement = REPRISE_PASS(sqlite::Statement::prepare(
      db.get(), "SELECT made_here FROM checkpoints WHERE id = ?1", checkpoint.str()));
  return REPRISE_PASS(statement.step()) && statement.integer(0) == 1;
}

}  // namespace reprise::catalog
