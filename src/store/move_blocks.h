// SPDX-License-Identifier: Apache-2.0
//
// Blocks that are moved as they are: into new packs, and from there into place together with the
// checkpoint that says where they lie now. A block is bound to its id and not to its place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pages/new_packs.h"
#include "pages/page_index.h"
#include "store/open_store.h"

namespace reprise::store {

// Makes a checkpoint visible: renames durable packs from `new_packs` into place, then its file,
// which is written into `staged` (the directory of a living StagingPlace). A file that is there is
// replaced. On error nothing has changed.
struct Publication {
  path staged;
  path new_packs;
  std::vector<std::string> packs;
  base::CheckpointId id;
  std::string text;  // by seal_contents()
};
// The packs alone. After an error some may be in place, needed by nobody.
Result<void> publish_packs(const StoreLayout& layout, const path& new_packs,
                           const std::vector<std::string>& ids);
Result<void> publish_checkpoint(const StoreLayout& layout, const Publication& publication);

// Proves that `sealed` is the block of that id, and says of which pages it consists. kCorrupt.
Result<std::vector<pages::PageId>> authenticate_block(const crypto::TenantKeys& keys,
                                                      const pages::BlockId& id,
                                                      std::span<const std::byte> sealed);

// Tells the index of every block in a pack that is in place, by reading it.
Result<void> index_pack(const OpenStore& store, pages::PageIndex& index, const std::string& pack);

}  // namespace reprise::store
