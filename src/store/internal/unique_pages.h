// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstdint>
#include <map>

#include "pages/block.h"
#include "pages/contents.h"

namespace reprise::store {

// What is left of checkpoints when pages that are equal are counted once, and zeros not at all.
class UniquePages {
 public:
  // Bytes of its files that lie in pages which none before had: at most as many as they have.
  std::uint64_t add(const pages::Contents& contents);

 private:
  std::uint64_t add(const pages::Contents& contents, const pages::StoredFile& file,
                    std::uint64_t bytes);

  std::map<pages::BlockId, std::bitset<pages::kBlockPages>> seen_;
};

}  // namespace reprise::store
