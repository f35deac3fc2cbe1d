// SPDX-License-Identifier: Apache-2.0
#include "operations/store/tag.h"

#include <algorithm>

namespace reprise::operations {

using base::ErrorCode;
using base::Result;

Result<void> check_new_tag(catalog::Catalog& catalog, const std::string& tag) {
  if (tag.empty()) return {};
  REPRISE_TRY(base::parse_id(tag), "reading --tag");
  const auto rows = REPRISE_PASS(catalog.checkpoints());
  const auto other = std::ranges::find(rows, tag, &catalog::CheckpointRow::tag);
  if (other == rows.end()) return {};
  return std::unexpected(
      base::Error(ErrorCode::kInvalidInput,
                  "checkpoint '" + other->id.str() + "' has the tag '" + tag + "' already")
          .with_hint("choose another one, or remove that checkpoint: reprise "
                     "checkpoint rm " +
                     tag));
}

}  // namespace reprise::operations
