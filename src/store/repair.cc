// SPDX-License-Identifier: Apache-2.0
//
// The index, made anew from the packs.
#include <utility>

#include "store/internal/open_store.h"
#include "store/internal/page_index.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::ErrorCode;

namespace {

constexpr std::size_t kBatch = 256;  // blocks, with 1 MiB of ids

// Empty. What cannot be opened is put aside: those who have it open go on with what they have.
Result<PageIndex> empty_index(const OpenStore& store) {
  const path& root = store.layout.root;
  Result<PageIndex> index = PageIndex::open(root, store.keys.pages);
  if (index && index->clear()) return index;
  for (const char* suffix : {"", "-wal", "-shm"})
    REPRISE_PASS(sys::remove_tree(root / (std::string("index.db") + suffix)));
  return PageIndex::open(root, store.keys.pages);
}

class Rebuild {
 public:
  Rebuild(const OpenStore& store, PageIndex index) : store_(store), index_(std::move(index)) {}

  Result<void> add_pack(const std::string& id) {
    const PackReader pack = REPRISE_PASS(PackReader::open(store_.layout.packs(), id));
    REPRISE_PASS(pack.scan([&](const BlockPlace& place) { return add_block(pack, place); }));
    return flush();
  }
  Result<std::uint64_t> pages() { return index_.pages(); }

 private:
  Result<void> add_block(const PackReader& pack, const BlockPlace& place) {
    const auto sealed = REPRISE_PASS(pack.read(place));
    Block block = REPRISE_TRY(open_block(store_.keys.data, place.id, sealed),
                              "reading pack '" + place.pack + "'");
    batch_.push_back({.place = place, .ids = std::move(block.ids)});
    if (batch_.size() < kBatch) return {};
    return flush();
  }
  Result<void> flush() {
    REPRISE_PASS(index_.add(batch_));
    batch_.clear();
    return {};
  }

  const OpenStore& store_;
  PageIndex index_;
  std::vector<IndexedBlock> batch_;
};

}  // namespace

Result<Rebuilt> rebuild_index(const OpenStore& store, std::chrono::milliseconds patience) {
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(store.layout.gc_lock(), patience),
                                         "rebuilding the index: a gc is running");
  Rebuild rebuild(store, REPRISE_TRY(empty_index(store), "rebuilding the index"));
  Rebuilt rebuilt;
  for (const std::string& id : REPRISE_PASS(pack_ids(store.layout.packs()))) {
    const Result<void> added = rebuild.add_pack(id);
    if (added) continue;
    // Its pages up to the damage are known; checkpoints that need the rest are found by verify().
    if (added.error().code() != ErrorCode::kCorrupt && added.error().code() != ErrorCode::kNotFound)
      return std::unexpected(added.error());
    rebuilt.damaged.push_back(id);
  }
  rebuilt.pages = REPRISE_PASS(rebuild.pages());
  return rebuilt;
}

}  // namespace reprise::store
