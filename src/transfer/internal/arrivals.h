// SPDX-License-Identifier: Apache-2.0
//
// Blocks that come from elsewhere, on their way into the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pages/new_packs.h"
#include "pages/page_index.h"
#include "store/open_store.h"

namespace reprise::transfer {

using base::Result;

// Puts them into packs of a moderate size, and each pack into place as soon as it is full: to whom
// is cut off the others are left.
class Arrivals {
 public:
  // All that is given must outlive this, and somebody have a StagingPlace with that directory,
  // which exists.
  Arrivals(const store::OpenStore& store, pages::PageIndex& index, std::filesystem::path directory);
  // `sealed` with the store's keys, and authenticated: the block `id` of the pages `ids`. Blocks on
  // the disk when a pack is full. After an error all is unusable.
  Result<pages::BlockPlace> add(const pages::BlockId& id, std::span<const std::byte> sealed,
                                std::vector<pages::PageId> ids);
  // Puts full packs into place and tells the index. Until a checkpoint needs them they live as long
  // as gc lets them.
  Result<void> hand_over();
  // Makes the last pack durable; which are not in place yet. Nothing may be added after that.
  Result<std::vector<std::string>> finish();
  // When they are in place. After an error their pages are stored once more some day.
  Result<void> tell_index();
  [[nodiscard]] const std::filesystem::path& directory() const { return packs_.directory(); }

 private:
  const store::OpenStore& store_;
  pages::PageIndex& index_;
  pages::NewPacks packs_;
  std::vector<pages::IndexedBlock> unknown_;  // to the index, in the order of their packs
};

}  // namespace reprise::transfer
