// SPDX-License-Identifier: Apache-2.0
#include "store/origin.h"

#include "store/internal/catalog_schema.h"
#include "store/internal/database.h"
#include "store/internal/statement.h"

namespace reprise::store {

using base::Result;

Result<void> note_made_here(const std::filesystem::path& root,
                            const base::CheckpointId& checkpoint) {
  const Database db = REPRISE_PASS(open_database(root, kCatalogSchema));
  REPRISE_TRY(
      execute(db.get(), "UPDATE checkpoints SET made_here = 1 WHERE id = ?1", checkpoint.str()),
      "noting the origin of checkpoint '" + checkpoint.str() + "'");
  return {};
}

Result<bool> is_made_here(const std::filesystem::path& root, const base::CheckpointId& checkpoint) {
  const Database db = REPRISE_PASS(open_database(root, kCatalogSchema));
  Statement statement = REPRISE_PASS(Statement::prepare(
      db.get(), "SELECT made_here FROM checkpoints WHERE id = ?1", checkpoint.str()));
  return REPRISE_PASS(statement.step()) && statement.integer(0) == 1;
}

}  // namespace reprise::store
