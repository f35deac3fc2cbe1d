// SPDX-License-Identifier: Apache-2.0
//
// The index: where a page lies that is stored already. ROOT/index.db, a SQLite database that can be
// rebuilt from packs and checkpoints; docs/format/index.md.
//
// What it says of a pack holds only while the pack is not condemned; gc.cc has the rule.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "pages/pack.h"
#include "pages/pack_need.h"
#include "sqlite/database.h"
#include "sqlite/statement.h"

namespace reprise::pages {

struct PagePlace {
  std::int64_t block = 0;  // number in the index, for place_of()
  std::uint32_t page = 0;  // in the block
};

// A new block and its pages in order.
struct IndexedBlock {
  BlockPlace place;
  std::vector<PageId> ids;
};

// One connection, for one thread.
class PageIndex {
 public:
  // Opens and, if needed, creates ROOT/index.db. A database that is damaged is not repaired here:
  // kCorrupt. `hasher` must outlive it: rows that it did not seal are as good as absent.
  static Result<PageIndex> open(const std::filesystem::path& root,
                                const crypto::PageHasher& hasher);
  PageIndex(PageIndex&&) noexcept;
  PageIndex& operator=(PageIndex&&) noexcept;
  ~PageIndex();

  // Those of `ids` that are stored, in packs that may be used; nullopt for the others.
  Result<std::vector<std::optional<PagePlace>>> find(std::span<const PageId> ids);
  // Of a block that find() named.
  [[nodiscard]] const BlockPlace& place_of(std::int64_t block) const;
  // Where blocks lie, in packs that may be used and are not among `but`; nullopt for those that are
  // not here. Reads the rows of all blocks.
  Result<std::vector<std::optional<BlockPlace>>> find_blocks(std::span<const BlockId> ids,
                                                             const std::set<std::string>& but = {});
  // Adds blocks of packs that are durable, in one transaction. Pages that another writer was
  // faster with stay where they are.
  Result<void> add(std::span<const IndexedBlock> blocks);

  // --- for gc
  Result<std::vector<std::string>> condemned();
  Result<void> condemn(std::span<const std::string> packs);
  Result<void> pardon(std::span<const std::string> packs);
  // Forgets those of the packs that are condemned (still), with all their blocks and pages; before
  // their files go. Returns which.
  Result<std::vector<std::string>> forget(std::span<const std::string> packs);
  // Which packs a sealed checkpoint needs, if that was noted for a file with this stamp.
  Result<std::optional<std::vector<PackNeed>>> needs(const std::string& checkpoint,
                                                     const std::string& stamp);
  Result<void> note_needs(const std::string& checkpoint, const std::string& stamp,
                          std::span<const PackNeed> packs);
  Result<void> forget_needs_but(std::span<const std::string> checkpoints);
  Result<std::uint64_t> pages();
  // Forgets everything.
  Result<void> clear();

 private:
  PageIndex(sqlite::Database db, const crypto::PageHasher& hasher);
  // Whether the block may be used; remembered.
  Result<bool> is_usable(std::int64_t block);

  sqlite::Database db_;
  bool empty_ = false;  // when it was opened: then nothing is looked for
  const crypto::PageHasher* hasher_;
  std::optional<sqlite::Statement> find_page_;
  std::unordered_map<std::int64_t, std::optional<BlockPlace>> blocks_;
};

}  // namespace reprise::pages
