// SPDX-License-Identifier: Apache-2.0
//
// Blocks that are needed, out of packs that mostly are not.
//
// Everything is added before anything is taken away: blocks are copied into new packs, then each
// checkpoint's file is exchanged, at once, for one that names the new places. The old packs lose
// nothing by it; whether they go is for gc to find out, which waits for writers that found pages in
// them and leaves them where a checkpoint needs them after all. So a kill at any step leaves new
// packs that nobody needs yet, or old ones that nobody needs any more, or both whole.
//
// Killed between two checkpoints, it leaves blocks that both need in an old and in a new pack. The
// index knows of the new one before any checkpoint does, so the next compaction, for which the old
// pack is as sparse as for this one, finds them there and moves nothing.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "base/fault.h"
#include "store/internal/needs.h"
#include "store/move_blocks.h"
#include "store/staging_place.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

// What is needed of a pack, by offset: no block twice.
using Blocks = std::map<std::uint64_t, pages::BlockPlace>;

struct Sparse {
  std::string pack;
  std::uint64_t needed = 0;
  double part = 0;  // of the pack
};

class Compaction {
 public:
  Compaction(const OpenStore& store, pages::PageIndex index, StagingPlace place)
      : store_(store),
        index_(std::move(index)),
        place_(std::move(place)),
        new_packs_(place_.directory(), store_.keys.id) {}
  Result<Compacted> run(std::uint64_t limit);

 private:
  Result<std::set<std::string>> suspects();
  Result<void> find_blocks(const std::set<std::string>& suspects);
  std::vector<Sparse> sparse() const;
  Result<void> keep_sparse(std::uint64_t limit);
  Result<void> check(const std::string& pack, const Blocks& blocks) const;
  Result<void> find_elsewhere();
  Result<void> move_all();
  bool repoint(pages::Contents& contents) const;
  Result<void> reseal(const CheckpointId& id);

  const OpenStore& store_;
  pages::PageIndex index_;
  StagingPlace place_;
  pages::NewPacks new_packs_;
  std::map<pages::BlockId, pages::BlockPlace> moved_;
  std::vector<CheckpointNeeds> needs_;
  std::map<std::string, Blocks> packs_;
  Compacted compacted_;
};

// Packs of which no single checkpoint needs half. Most are not among them, which saves reading the
// files of the checkpoints.
Result<std::set<std::string>> Compaction::suspects() {
  needs_ = REPRISE_PASS(needs_of_all(store_, index_));
  std::map<std::string, std::uint64_t> most;
  for (const CheckpointNeeds& checkpoint : needs_)
    for (const pages::PackNeed& need : checkpoint.packs)
      most[need.pack] = std::max(most[need.pack], need.bytes);
  std::set<std::string> found;
  for (const auto& [pack, bytes] : most) {
    std::error_code error;
    const std::uint64_t size = fs::file_size(pages::pack_file(store_.layout.packs(), pack), error);
    if (!error && pages::is_sparse(bytes, size)) found.insert(pack);
  }
  return found;
}

Result<void> Compaction::find_blocks(const std::set<std::string>& suspects) {
  const auto concerned = [&](const CheckpointNeeds& checkpoint) {
    return std::ranges::any_of(checkpoint.packs, [&](const pages::PackNeed& need) {
      return suspects.contains(need.pack);
    });
  };
  std::erase_if(needs_, [&](const auto& checkpoint) { return !concerned(checkpoint); });
  for (const CheckpointNeeds& checkpoint : needs_) {
    const Result<void> visited =
        load_blocks(store_, checkpoint.id, [&](const pages::BlockPlace& place) {
          if (suspects.contains(place.pack)) packs_[place.pack].emplace(place.offset, place);
        });
    if (!visited && visited.error().code() == ErrorCode::kNotFound) continue;  // removed since
    REPRISE_PASS(visited);
  }
  return {};
}

// Those of packs_ that are sparse for all checkpoints together, the sparsest first.
std::vector<Sparse> Compaction::sparse() const {
  std::vector<Sparse> found;
  for (const auto& [pack, blocks] : packs_) {
    std::uint64_t needed = 0;
    for (const auto& [offset, place] : blocks) needed += pages::stored_bytes_of(place);
    std::error_code error;
    const std::uint64_t size = fs::file_size(pages::pack_file(store_.layout.packs(), pack), error);
    if (error || !pages::is_sparse(needed, size)) continue;
    found.push_back({.pack = pack,
                     .needed = needed,
                     .part = static_cast<double>(needed) / static_cast<double>(size)});
  }
  std::ranges::sort(found, {}, &Sparse::part);
  return found;
}

// Leaves those in packs_ that are to be moved now, and are whole.
Result<void> Compaction::keep_sparse(std::uint64_t limit) {
  std::map<std::string, Blocks> kept;
  std::uint64_t bytes = 0;
  for (const Sparse& one : sparse()) {
    if (!kept.empty() && one.needed > limit - std::min(limit, bytes)) break;
    Blocks& blocks = packs_.at(one.pack);
    const Result<void> whole = check(one.pack, blocks);
    // Moved in part, its rest would be moved in vain again and again.
    if (!whole && whole.error().code() != ErrorCode::kCorrupt) return whole;
    if (!whole) {
      compacted_.damaged.push_back(one.pack);
      continue;
    }
    bytes += one.needed;
    kept.emplace(one.pack, std::move(blocks));
  }
  packs_ = std::move(kept);
  return {};
}

Result<void> Compaction::check(const std::string& pack, const Blocks& blocks) const {
  const pages::PackReader reader =
      REPRISE_PASS(pages::PackReader::open(store_.layout.packs(), pack));
  for (const auto& [offset, place] : blocks)
    REPRISE_PASS(authenticate_block(store_.keys, place.id, REPRISE_PASS(reader.read(place))));
  return {};
}

// What an earlier one has moved that was cut off need not be moved again.
Result<void> Compaction::find_elsewhere() {
  std::set<std::string> old;
  std::vector<pages::BlockId> ids;
  for (const auto& [pack, blocks] : packs_) {
    old.insert(pack);
    for (const auto& [offset, place] : blocks) ids.push_back(place.id);
  }
  for (const auto& place : REPRISE_PASS(index_.find_blocks(ids, old)))
    if (place && check(place->pack, {{place->offset, *place}})) moved_.emplace(place->id, *place);
  return {};
}

Result<void> Compaction::move_all() {
  for (const auto& [pack, blocks] : packs_) {
    const pages::PackReader reader =
        REPRISE_PASS(pages::PackReader::open(store_.layout.packs(), pack));
    for (const auto& [offset, place] : blocks) {
      if (moved_.contains(place.id)) continue;
      const pages::BlockPlace now =
          REPRISE_TRY(new_packs_.append(place.id, REPRISE_PASS(reader.read(place))),
                      "moving blocks of pack '" + pack + "'");
      compacted_.bytes += pages::stored_bytes_of(now);
      moved_.emplace(place.id, now);
    }
  }
  REPRISE_PASS(new_packs_.finish());
  return publish_packs(store_.layout, new_packs_.directory(), new_packs_.ids());
}

bool Compaction::repoint(pages::Contents& contents) const {
  bool any = false;
  for (pages::BlockPlace& place : contents.blocks) {
    const auto moved = moved_.find(place.id);
    if (moved == moved_.end() || !packs_.contains(place.pack)) continue;
    place = moved->second;
    any = true;
  }
  return any;
}

Result<void> Compaction::reseal(const CheckpointId& id) {
  Result<pages::Contents> contents = load_contents(store_, id);
  if (!contents && contents.error().code() == ErrorCode::kNotFound) return {};  // removed since
  REPRISE_PASS(contents);
  if (!repoint(*contents)) return {};
  const path staged = place_.directory() / "checkpoint";
  const path sealed = store_.layout.sealed(id);
  REPRISE_PASS(
      sys::replace_file(staged, REPRISE_PASS(pages::seal_contents(store_.keys, *contents))));
  // Exchanged and not renamed: one that was removed just now must not come back.
  if (::renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, sealed.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "replacing '" + sealed.string() + "'");
  }
  REPRISE_PASS(sys::sync_path(store_.layout.checkpoints()));
  ++compacted_.checkpoints;
  return base::fault_point("compact-resealed");
}

Result<Compacted> Compaction::run(std::uint64_t limit) {
  const auto suspected = REPRISE_PASS(suspects());
  if (suspected.empty()) return compacted_;
  REPRISE_PASS(find_blocks(suspected));
  REPRISE_PASS(keep_sparse(limit));
  if (packs_.empty()) return compacted_;
  REPRISE_PASS(find_elsewhere());
  REPRISE_PASS(move_all());
  REPRISE_PASS(base::fault_point("compact-moved"));
  // From here on nobody finds pages in the old packs, and the index takes the new places.
  std::vector<std::string> old;
  old.reserve(packs_.size());
  for (const auto& [pack, blocks] : packs_) old.push_back(pack);
  REPRISE_PASS(index_.condemn(old));
  REPRISE_PASS(base::fault_point("compact-condemned"));
  for (const std::string& pack : new_packs_.ids()) REPRISE_PASS(index_pack(store_, index_, pack));
  REPRISE_PASS(base::fault_point("compact-indexed"));
  for (const CheckpointNeeds& checkpoint : needs_)
    REPRISE_TRY(reseal(checkpoint.id), "moving blocks of checkpoint '" + checkpoint.id.str() + "'");
  compacted_.packs = old.size();
  return compacted_;
}

}  // namespace

Result<Compacted> compact_packs(const OpenStore& store, std::chrono::milliseconds patience,
                                std::uint64_t limit) {
  const std::string step = "compacting packs";
  const sys::FileLock lock =
      REPRISE_TRY(sys::FileLock::lock(store.layout.gc_lock(), patience), step);
  StagingPlace place =
      REPRISE_TRY(StagingPlace::make(store.layout, CheckpointStore::kUnknownSize), step);
  pages::PageIndex index =
      REPRISE_TRY(pages::PageIndex::open(store.layout.root, store.keys.pages), step);
  Compaction compaction(store, std::move(index), std::move(place));
  return REPRISE_TRY(compaction.run(limit), step);
}

}  // namespace reprise::store
