// SPDX-License-Identifier: Apache-2.0
//
// Where checkpoints live: taken apart into pages that are stored once, compressed, encrypted.
//
// Pages of all checkpoints of a tenant lie in packs; a checkpoint is a small file that says of
// which pages its files consist. docs/format/ has both. Any number of processes may use a store at
// once.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "image/manifest.h"
#include "image/page_sink.h"
#include "pages/pack_need.h"
#include "store/store_config.h"

namespace reprise::pages {
struct Contents;
}
namespace reprise::sys {
class FileLock;
}

namespace reprise::store {

using base::Result;

// One checkpoint being written. Dropped unsealed, it removes everything that it wrote.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  [[nodiscard]] virtual const base::CheckpointId& id() const = 0;
  // Memory and process state. Lives as long as the writer.
  virtual image::PageSink& pages() = 0;
  // Where to write the part `name` ("rootfs.tar"); everything found there at the seal belongs to
  // the checkpoint.
  virtual Result<std::filesystem::path> part(std::string_view name) = 0;
  // The part `name` with what `write` writes to the pipe that it gets: it is stored as it comes, as
  // pages() are, lies nowhere plain, and belongs to what PageSink::restart() forgets. Errors of
  // `write` are passed on; after one the writer is unusable. Not after absorb().
  using WritePart = std::function<Result<void>(int pipe)>;
  virtual Result<void> stream_part(std::string_view name, const WritePart& write) = 0;
  // A part with these contents, which lie on no disk until they are sealed: for secrets.
  virtual Result<void> keep_part(std::string_view name, std::string contents) = 0;
  // Makes everything durable and the checkpoint visible: the packs, then the checkpoint's file, by
  // a rename. `manifest.id` and `manifest.files` are filled in here; the sealed manifest is
  // returned. Blocks on the disk. On error (kIo, e.g. a full disk) nothing is visible.
  virtual Result<image::Manifest> seal(image::Manifest manifest) = 0;
  // After the seal: what CheckpointStore::stored_bytes() says of it, without reading it again.
  [[nodiscard]] virtual std::uint64_t stored_bytes() const = 0;
  // After the seal, and when nobody waits any more: lets later checkpoints find these pages. Left
  // out or failed, they are stored once more some day.
  virtual Result<void> settle() = 0;
};

// One sealed checkpoint, opened for reading. It may be removed meanwhile, and is read all the same.
class CheckpointReader {
 public:
  virtual ~CheckpointReader() = default;
  [[nodiscard]] virtual const image::Manifest& manifest() const = 0;
  virtual image::PageSource& pages() = 0;
  // The file of part `name`, put together now; it lives as long as the reader. nullopt if the
  // checkpoint has no such part, which its manifest tells: no error says so. kCorrupt if it is
  // damaged.
  virtual Result<std::optional<std::filesystem::path>> find_part(std::string_view name) = 0;
  // The same for a part that must be there: kNotFound if it is not.
  Result<std::filesystem::path> part(std::string_view name);
};

struct StoreUse {
  std::uint64_t checkpoints = 0;
  std::uint64_t packs = 0;
  std::uint64_t logical_bytes = 0;  // of the files of all checkpoints
  std::uint64_t unique_bytes = 0;   // of them, without zeros, and equal pages counted once
  std::uint64_t stored_bytes = 0;   // of packs and checkpoint files on the disk, needed or not
};

struct CheckpointNeeds {
  base::CheckpointId id;
  std::uint64_t file_bytes = 0;
  std::vector<pages::PackNeed> packs;
};

struct StoreNeeds {
  std::vector<CheckpointNeeds> checkpoints;         // sorted by id
  std::map<std::string, std::uint64_t> pack_bytes;  // of all packs
};

struct Collected {
  std::uint64_t packs = 0;
  std::uint64_t bytes = 0;
  // Packs that nothing needs, kept because sessions run that began before they were found; the next
  // gc removes them.
  std::uint64_t waiting = 0;
};

struct Compacted {
  std::uint64_t packs = 0;           // whose blocks were moved
  std::uint64_t bytes = 0;           // that were moved
  std::uint64_t checkpoints = 0;     // whose files were replaced
  std::vector<std::string> damaged;  // packs that are left as they are for damage
};

struct Damage {
  base::CheckpointId checkpoint;
  std::string pack;  // empty: the checkpoint's own file
  std::string what;
};

struct Verified {
  std::uint64_t checkpoints = 0;
  std::uint64_t bytes = 0;  // read from packs
  std::vector<Damage> damages;
};

// Called before each checkpoint, with how many were read before it and how many there are.
using VerifyProgress =
    std::function<void(const base::CheckpointId&, std::uint64_t done, std::uint64_t all)>;

struct Rebuilt {
  std::uint64_t pages = 0;
  std::vector<std::string> damaged;  // packs of which some blocks cannot be read
};

struct OpenStore;
class RemovalLock;

class CheckpointStore {
 public:
  explicit CheckpointStore(std::shared_ptr<const OpenStore> store) : store_(std::move(store)) {}

  // How large something will be that is written; without it, nothing is kept in memory.
  static constexpr std::uint64_t kUnknownSize = std::numeric_limits<std::uint64_t>::max();

  // A new checkpoint with a fresh id. `in_files`: bytes that CRIU will write into files. They lie
  // in a tmpfs if the host has room for that, and are deleted as they are read. `waiting`: a
  // container stands still until the seal, so pages are stored as they come, and compression is to
  // be fast rather than thorough.
  struct Beginning {
    std::uint64_t in_files = kUnknownSize;
    bool waiting = false;
  };
  Result<std::unique_ptr<CheckpointWriter>> begin(Beginning how);
  // kNotFound if there is no such sealed checkpoint, kCorrupt if its file is damaged or a pack is
  // missing or cut off, kDenied if other keys sealed it; contents are checked as they are read.
  Result<std::unique_ptr<CheckpointReader>> open(const base::CheckpointId& id);
  // As open(), of the manifest alone: without looking at the packs.
  Result<image::Manifest> manifest(const base::CheckpointId& id);
  // Reads every block that it needs and proves that it is what was stored; kCorrupt names the first
  // damaged pack.
  Result<void> verify(const base::CheckpointId& id);
  // The same for all checkpoints, each block once. What is damaged is no error, but told.
  Result<Verified> verify_all(const VerifyProgress& progress);
  // Keeps a checkpoint from being removed for as long as the lock, or a copy of its descriptor in
  // any process, is open. Any number may have one. kNotFound if it is gone, kBusy if it is just
  // being removed.
  Result<sys::FileLock> hold(const base::CheckpointId& id);
  // Those on which somebody has a hold.
  Result<std::vector<base::CheckpointId>> held();
  // What whoever removes a checkpoint has from before its catalog row goes until remove() is done
  // (holds.h). kBusy, with a hint, if somebody has a hold on it.
  Result<RemovalLock> begin_removal(const base::CheckpointId& id);
  // Removes a sealed checkpoint: first renamed out of sight, then deleted. Its pages go with
  // collect(). Success if there is none.
  Result<void> remove(const base::CheckpointId& id);
  // Ids of all sealed checkpoints, sorted.
  Result<std::vector<base::CheckpointId>> list();
  // Removes what writers and readers left behind that died. Never touches those that live. Returns
  // how many were removed.
  Result<int> sweep();
  // Frees the packs that no checkpoint needs any more, while sessions run. kBusy if another gc runs
  // for longer than `patience` (which is also for sessions that must end first); kCorrupt if a
  // checkpoint cannot be read: then nothing is freed, since who knows what it needs.
  Result<Collected> collect(std::chrono::milliseconds patience);
  // Moves what is needed out of packs of which less than half is, so that the next collect() frees
  // them. Begins with those of which the least is, and ends with the pack before the one that would
  // make it more than `limit` bytes, but moves one if there is any: so much more space is taken
  // until that collect(). Sessions may run. kBusy if a gc runs for longer than `patience`; kCorrupt
  // if a checkpoint cannot be read. After an error, or a kill at any moment, every checkpoint is
  // whole, and what was begun is done or cleared away by the next time.
  Result<Compacted> compact(std::chrono::milliseconds patience, std::uint64_t limit);
  Result<Compacted> compact(std::chrono::milliseconds patience) {
    return compact(patience, std::numeric_limits<std::uint64_t>::max());
  }
  // Makes the index of pages anew from the packs, which are all read. kBusy if a gc runs for longer
  // than `patience`.
  Result<Rebuilt> rebuild_index(std::chrono::milliseconds patience);
  Result<StoreUse> use();
  // Which packs there are, and what each checkpoint needs of them. Reads only files that were not
  // read before. kCorrupt if one cannot be read.
  Result<StoreNeeds> needs();
  // What the blocks that a checkpoint needs take in packs, those included that others need as well.
  // kNotFound, kCorrupt.
  Result<std::uint64_t> stored_bytes(const base::CheckpointId& id);

 private:
  Result<void> check_blocks(const pages::Contents& contents);

  std::shared_ptr<const OpenStore> store_;
};

// Opens (and creates, mode 0700) the store below its root, with its key; a
// default key that is not there is made.
Result<std::unique_ptr<CheckpointStore>> open_store(const StoreConfig& config);
// The same where there is a store: kNotFound, with a hint, if not, and none is made.
Result<std::unique_ptr<CheckpointStore>> open_existing_store(const StoreConfig& config);
// Whether anything of a store is below the root, its catalog or its checkpoints; kNotFound as above
// if not.
Result<void> check_exists(const StoreConfig& config);

}  // namespace reprise::store
