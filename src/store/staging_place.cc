// SPDX-License-Identifier: Apache-2.0
#include "store/staging_place.h"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <span>
#include <system_error>

#include "crypto/hex.h"
#include "crypto/sha256.h"
#include "store/checkpoint_store.h"
#include "sys/files.h"
#include "sys/memory.h"

namespace reprise::store {

using base::CheckpointId;
using base::ErrorCode;
using base::fail_errno;
namespace fs = std::filesystem;

namespace {

// Creating or taking over a staging directory takes no longer than that, even on a busy disk.
constexpr std::chrono::seconds kLockTimeout{10};
constexpr const char* kMemory = "/dev/shm";
constexpr std::uint64_t kMemoryReserve = std::uint64_t{512} << 20;
constexpr long kTmpfsMagic = 0x01021994;  // TMPFS_MAGIC, linux/magic.h

// Memory that is taken here is missing for what a restore puts there next, hence twice the size.
bool memory_has_room(std::uint64_t bytes) {
  if (bytes > std::numeric_limits<std::uint64_t>::max() / 4) return false;
  struct statfs status{};
  if (::statfs(kMemory, &status) != 0 || status.f_type != kTmpfsMagic) return false;
  const std::uint64_t room =
      static_cast<std::uint64_t>(status.f_bavail) * static_cast<std::uint64_t>(status.f_bsize);
  const std::uint64_t slack = bytes / 8 + (std::uint64_t{16} << 20);
  return room >= bytes + slack && sys::available_memory() >= 2 * bytes + kMemoryReserve;
}

// "reprise-STORE-": what all spools of one store begin with. Stores are told apart by their place.
std::string spool_prefix(const StoreLayout& layout) {
  std::error_code error;
  const path place = fs::weakly_canonical(layout.root, error);
  const std::string text = (error ? layout.root : place).string();
  crypto::Sha256 digest;
  digest.update(std::as_bytes(std::span(text)));
  constexpr std::size_t kEnough = 12;
  return "reprise-" + crypto::to_hex(digest.finish()).substr(0, kEnough) + "-";
}

path memory_spool(const StoreLayout& layout, const CheckpointId& id) {
  return path(kMemory) / (spool_prefix(layout) + id.str());
}

// The ids of spools in memory, of writers and readers that may have left nothing else.
std::set<CheckpointId> spooled_ids(const StoreLayout& layout) {
  std::set<CheckpointId> ids;
  const std::string prefix = spool_prefix(layout);
  std::error_code error;
  fs::directory_iterator entry(kMemory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    struct stat status{};
    // Anybody may write there.
    if (!name.starts_with(prefix)) continue;
    auto id = CheckpointId::parse(std::string_view(name).substr(prefix.size()));
    if (id && ::lstat(entry->path().c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
        status.st_uid == ::geteuid())
      ids.insert(std::move(*id));
  }
  return ids;
}

// Whether the id has an owner that lives.
Result<bool> is_alive(const StoreLayout& layout, const CheckpointId& id) {
  const Result<sys::FileLock> lock = sys::FileLock::try_lock(layout.writer_lock(id));
  if (lock) return false;
  if (lock.error().code() == ErrorCode::kBusy) return true;
  return std::unexpected(lock.error());
}

// The ids in staging/, by directory or lock file, and those of spools in memory.
Result<std::set<CheckpointId>> staged_ids(const StoreLayout& layout) {
  std::set<CheckpointId> ids;
  for (const std::string& name : REPRISE_PASS(sys::names_in(layout.staging()))) {
    if (name.starts_with(StoreLayout::kRemovedPrefix)) continue;
    auto id = CheckpointId::parse(name.substr(0, name.ends_with(StoreLayout::kLockSuffix)
                                                     ? name.rfind(StoreLayout::kLockSuffix)
                                                     : name.size()));
    if (id) ids.insert(std::move(*id));
  }
  ids.merge(spooled_ids(layout));
  return ids;
}

struct TakenOver {
  bool left_something = false;
  std::optional<path> directory;  // is to be removed
};

// If the owner of `id` is dead: removes its spool and moves its directory out of the way.
Result<TakenOver> take_over(const StoreLayout& layout, const CheckpointId& id) {
  Result<sys::FileLock> lock = sys::FileLock::try_lock(layout.writer_lock(id));
  if (!lock && lock.error().code() == ErrorCode::kBusy) return TakenOver();
  if (!lock) return std::unexpected(std::move(lock).error());
  std::error_code error;
  const bool had_spool = fs::exists(memory_spool(layout, id), error);
  const Result<void> emptied = sys::remove_tree(memory_spool(layout, id));
  const Result<void> renamed = sys::rename_durably(layout.staged(id), layout.removed(id));
  // A CRIU that outlived its runc may write there still: the next sweep is to find it.
  if (emptied) REPRISE_PASS(sys::remove_tree(layout.writer_lock(id)));
  if (renamed) return TakenOver{.left_something = true, .directory = layout.removed(id)};
  // Sealed or dropped since we listed it, or it died before it had a directory.
  if (renamed.error().error_number() == ENOENT) return TakenOver{.left_something = had_spool};
  return std::unexpected(renamed.error());
}

}  // namespace

Result<StagingPlace> StagingPlace::make(const StoreLayout& layout, std::uint64_t plain_bytes) {
  const CheckpointId id = CheckpointId::random();
  // Keeps a sweep from seeing the directory before its lock is held.
  const sys::FileLock creation =
      REPRISE_PASS(sys::FileLock::lock(layout.creation_lock(), kLockTimeout));
  StagingPlace place(layout, id, REPRISE_PASS(sys::FileLock::try_lock(layout.writer_lock(id))));
  REPRISE_PASS(place.make_directories(plain_bytes));
  return place;
}

Result<void> StagingPlace::make_directories(std::uint64_t plain_bytes) {
  REPRISE_PASS(sys::make_directories(directory()));
  if (memory_has_room(plain_bytes)) {
    const path memory = memory_spool(layout_, id_);
    std::error_code error;
    // Not with its parents, and not if it is there: anybody may write to /dev/shm.
    if (fs::create_directory(memory, error) && !error) {
      fs::permissions(memory, fs::perms::owner_all, error);
      if (!error) {
        spool_ = memory;
        return {};
      }
      (void)sys::remove_tree(memory);
    }
  }
  spool_ = directory() / "criu";
  return sys::make_directories(spool_);
}

// What cannot be removed now is swept later.
void StagingPlace::remove() {
  // Of one that was moved from, nothing is left but an empty name.
  if (!lock_ || !lock_->fd().valid()) return;
  // CRIU may still write there, if runc was killed under it: then its lock file stays, so that a
  // sweep knows of it.
  const bool gone = spool_.empty() || sys::remove_tree(spool_);
  (void)sys::remove_tree(directory());
  if (gone) (void)sys::remove_tree(layout_.writer_lock(id_));
  lock_.reset();
}

Result<int> sweep_staging(const StoreLayout& layout) {
  std::vector<path> to_remove;
  int swept = 0;
  {
    const sys::FileLock creation =
        REPRISE_PASS(sys::FileLock::lock(layout.creation_lock(), kLockTimeout));
    for (const std::string& name : REPRISE_PASS(sys::names_in(layout.staging())))
      if (name.starts_with(StoreLayout::kRemovedPrefix))
        to_remove.push_back(layout.staging() / name);
    for (const CheckpointId& id : REPRISE_PASS(staged_ids(layout))) {
      const TakenOver taken = REPRISE_PASS(take_over(layout, id));
      if (taken.directory) to_remove.push_back(*taken.directory);
      if (taken.left_something) ++swept;
    }
  }
  // Without the lock: writers need not wait for the disk.
  for (const path& directory : to_remove) REPRISE_PASS(sys::remove_tree(directory));
  return swept;
}

Result<std::vector<CheckpointId>> living(const StoreLayout& layout) {
  const sys::FileLock creation =
      REPRISE_PASS(sys::FileLock::lock(layout.creation_lock(), kLockTimeout));
  return living_while_locked(layout);
}

Result<std::vector<CheckpointId>> living_while_locked(const StoreLayout& layout) {
  std::vector<CheckpointId> ids;
  for (const CheckpointId& id : REPRISE_PASS(staged_ids(layout)))
    if (REPRISE_PASS(is_alive(layout, id))) ids.push_back(id);
  return ids;
}

}  // namespace reprise::store
