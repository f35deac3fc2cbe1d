// SPDX-License-Identifier: Apache-2.0
//
// Ids and names that rows of the catalog hold, and rows that hold what is none.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "sqlite/statement.h"

namespace reprise::catalog {

// An empty text is none. kCorrupt for what is no id: we never wrote that.
template <typename Id>
base::Result<Id> id_in(const sqlite::Statement& row, int column) {
  const std::string text = row.text(column);
  auto id = Id::parse_optional(text);
  if (id) return id;
  return std::unexpected(base::Error(base::ErrorCode::kCorrupt, "catalog: '" + text + "' is no id")
                             .with_hint("'reprise store repair' mends the catalog"));
}

// For lists: one row that `read` cannot make sense of keeps no other from being listed. Who lists
// tells of it by Catalog::unreadable_rows().
template <typename Read>
auto readable_rows(base::Result<sqlite::Statement> statement, Read read) -> base::Result<
    std::vector<typename std::invoke_result_t<Read, sqlite::Statement&>::value_type>> {
  if (!statement) return std::unexpected(statement.error());
  std::vector<typename std::invoke_result_t<Read, sqlite::Statement&>::value_type> rows;
  while (REPRISE_PASS(statement->step()))
    if (auto row = read(*statement)) rows.push_back(*std::move(row));
  return rows;
}

// Whether history.cc knows such a name.
bool is_life_event(const std::string& text);
bool is_session_kind(const std::string& text);
bool is_session_status(const std::string& text);

}  // namespace reprise::catalog
