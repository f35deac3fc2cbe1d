// SPDX-License-Identifier: Apache-2.0
#include "pages/new_packs.h"

#include "base/id.h"

namespace reprise::pages {

Result<BlockPlace> NewPacks::append(const BlockId& id, std::span<const std::byte> sealed) {
  if (open_ && open_->bytes() + sealed.size() > limit_) REPRISE_PASS(finish());
  if (!open_) {
    open_.emplace(REPRISE_PASS(PackWriter::create(directory_, base::random_id(), *key_id_)));
    ids_.push_back(open_->id());
  }
  return open_->append(id, sealed);
}

Result<void> NewPacks::finish() {
  if (!open_) return {};
  REPRISE_PASS(open_->finish());
  open_.reset();
  return {};
}

std::vector<std::string> NewPacks::take_finished() {
  const std::size_t end = ids_.size() - (open_ ? 1 : 0);
  std::vector<std::string> taken(ids_.begin() + static_cast<std::ptrdiff_t>(taken_),
                                 ids_.begin() + static_cast<std::ptrdiff_t>(end));
  taken_ = end;
  return taken;
}

}  // namespace reprise::pages
