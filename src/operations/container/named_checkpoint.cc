// SPDX-License-Identifier: Apache-2.0
#include "operations/container/named_checkpoint.h"

#include <utility>
#include <vector>

#include "operations/container/containers.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

Result<catalog::CheckpointRow> newest_of(catalog::Catalog& catalog, const std::string& name) {
  std::vector<catalog::CheckpointRow> rows;
  for (const base::ContainerKey& key : REPRISE_PASS(find_keys(catalog, name)))
    if (rows.empty()) rows = REPRISE_PASS(catalog.checkpoints(key));
  if (!rows.empty()) return std::move(rows.front());
  return std::unexpected(Error(ErrorCode::kNotFound, "container '" + name + "' has no checkpoint")
                             .with_hint("'reprise checkpoint ls' lists those that there are"));
}

// Whoever names a container means how it was last; nothing tells whether a tag or the beginning of
// an id was meant.
Result<catalog::CheckpointRow> unless_ambiguous(const std::string& name,
                                                const catalog::CheckpointRow& row,
                                                const catalog::CheckpointRow& newest) {
  if (row.id == newest.id) return row;
  const char* what = row.tag == name ? "the tag" : "the beginning of the id";
  return std::unexpected(Error(ErrorCode::kInvalidInput,
                               "'" + name + "' is " + what + " of checkpoint '" + row.id.str() +
                                   "' and a container whose newest is '" + newest.id.str() + "'")
                             .with_hint("name the one that you mean by its whole id"));
}

}  // namespace

Result<catalog::CheckpointRow> find_named_checkpoint(catalog::Catalog& catalog,
                                                     const std::string& name) {
  const auto row = catalog.find_checkpoint(name);
  if (row && row->id.str() == name) return *row;
  auto newest = newest_of(catalog, name);
  if (row) return newest ? unless_ambiguous(name, *row, *newest) : row;
  if (newest) return newest;
  // An ambiguous id or an error of the catalog says more than that no container has this name.
  if (row.error().code() != ErrorCode::kNotFound) return std::unexpected(row.error());
  if (newest.error().code() != ErrorCode::kNotFound || !newest.error().hint().empty())
    return newest;
  return std::unexpected(
      Error(ErrorCode::kNotFound, "there is no checkpoint and no container of that name")
          .with_hint("'reprise checkpoint ls' lists checkpoints"));
}

}  // namespace reprise::operations
