// SPDX-License-Identifier: Apache-2.0
//
// Ids that rows of the catalog name.
#pragma once

#include <string>

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
  return base::fail(base::ErrorCode::kCorrupt, "catalog: '" + text + "' is no id");
}

}  // namespace reprise::catalog
