// SPDX-License-Identifier: Apache-2.0
//
// The index, made anew from the packs.
#include "pages/page_index.h"
#include "store/move_blocks.h"
#include "store/open_store.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::ErrorCode;

namespace {

// Empty. What cannot be opened is put aside: those who have it open go on with what they have.
Result<pages::PageIndex> empty_index(const OpenStore& store) {
  const path& root = store.layout.root;
  Result<pages::PageIndex> index = pages::PageIndex::open(root, store.keys.pages);
  if (index && index->clear()) return index;
  for (const char* suffix : {"", "-wal", "-shm"})
    REPRISE_PASS(sys::remove_tree(root / (std::string("index.db") + suffix)));
  return pages::PageIndex::open(root, store.keys.pages);
}

}  // namespace

Result<Rebuilt> rebuild_index(const OpenStore& store, std::chrono::milliseconds patience) {
  const sys::FileLock lock = REPRISE_TRY(sys::FileLock::lock(store.layout.gc_lock(), patience),
                                         "rebuilding the index: a gc is running");
  pages::PageIndex index = REPRISE_TRY(empty_index(store), "rebuilding the index");
  Rebuilt rebuilt;
  for (const std::string& id : REPRISE_PASS(pages::pack_ids(store.layout.packs()))) {
    const Result<void> added = index_pack(store, index, id);
    if (added) continue;
    // Its pages up to the damage are known; checkpoints that need the rest are found by verify().
    if (added.error().code() != ErrorCode::kCorrupt && added.error().code() != ErrorCode::kNotFound)
      return std::unexpected(added.error());
    rebuilt.damaged.push_back(id);
  }
  rebuilt.pages = REPRISE_PASS(index.pages());
  return rebuilt;
}

}  // namespace reprise::store
