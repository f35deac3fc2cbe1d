// SPDX-License-Identifier: Apache-2.0
//
// Blocks that a checkpoint of elsewhere needs: those that are here, and those that are fetched.
#pragma once

#include <cstdint>
#include <vector>

#include "remote/object_store.h"
#include "store/open_store.h"
#include "transfer/internal/arrivals.h"
#include "transfer/transfer.h"

namespace reprise::transfer {

struct Fetched {
  std::vector<pages::BlockPlace>
      places;                // of all blocks, in their order, in packs here or of `arrivals`
  std::uint64_t blocks = 0;  // that were fetched
  std::uint64_t bytes = 0;
};

// `theirs`: where the blocks lie in `from`, sealed with `keys`; where those are not the store's
// own, they are sealed anew, under the same ids. Each is authenticated, those of packs here as
// well; one that is damaged here is fetched. Packs that are full are handed over. kCorrupt for one
// that is damaged there. Memory is bounded whatever the number of blocks' bytes.
Result<Fetched> fetch_blocks(const store::OpenStore& store, const crypto::TenantKeys& keys,
                             pages::PageIndex& index, const std::vector<pages::BlockPlace>& theirs,
                             remote::ObjectStore& from, Arrivals& arrivals,
                             const TransferProgress& progress);

}  // namespace reprise::transfer
