// SPDX-License-Identifier: Apache-2.0
//
// A block: up to kBlockPages pages, compressed and sealed together. The unit of reading.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/raw_bytes.h"
#include "base/result.h"
#include "crypto/aead.h"
#include "crypto/page_hash.h"

namespace reprise::pages {

using base::Result;
using crypto::PageId;

inline constexpr std::size_t kPageBytes = 4096;
// 1 MiB of pages: reading one page costs a fraction of a millisecond, and a checkpoint of 500 GB
// consists of no more than half a million blocks, whose list gc holds in memory.
inline constexpr std::size_t kBlockPages = 256;

// Random, so that a block can be moved to another pack as it is.
using BlockId = std::array<std::byte, 16>;
BlockId random_block_id();

// How much CPU time compression may cost: the disk waits for it, a container stands still for it,
// or nobody waits.
enum class Effort : std::uint8_t { kLeast, kFast, kSmall };

struct Block {
  std::vector<PageId> ids;  // one per page
  base::RawBytes pages;     // ids.size() * kPageBytes
};

// Of 1 to kBlockPages pages: their ids, and where each of them lies.
Result<base::RawBytes> seal_block(const crypto::Aead& key, const BlockId& id,
                                  std::span<const PageId> ids,
                                  std::span<const std::byte* const> pages, Effort effort);
// Proves only that it is what seal_block() made with the same key and id (else kCorrupt); `plain`
// may be reused, to save an allocation each.
Result<void> unseal_block(const crypto::Aead& key, const BlockId& id,
                          std::span<const std::byte> sealed, std::vector<std::byte>& plain);
// The same, and of which pages it consists, without looking at them.
Result<std::vector<PageId>> ids_of_block(const crypto::Aead& key, const BlockId& id,
                                         std::span<const std::byte> sealed);
// kCorrupt if it is not what seal_block() made with the same key and id.
Result<Block> open_block(const crypto::Aead& key, const BlockId& id,
                         std::span<const std::byte> sealed);

}  // namespace reprise::pages
