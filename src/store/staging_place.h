// SPDX-License-Identifier: Apache-2.0
//
// Where one writer or reader keeps what is not sealed: a directory on the store's disk and, for
// plain data, one in memory if there is room.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/store_layout.h"
#include "sys/file_lock.h"

namespace reprise::store {

using base::Result;

// Holds the lock of its id; dropped, it removes everything. One that was killed is swept.
class StagingPlace {
 public:
  // `plain_bytes`: how much will lie in spool(), as far as known.
  static Result<StagingPlace> make(const StoreLayout& layout, std::uint64_t plain_bytes);
  StagingPlace(StagingPlace&&) noexcept = default;
  StagingPlace& operator=(StagingPlace&&) = delete;
  StagingPlace(const StagingPlace&) = delete;
  StagingPlace& operator=(const StagingPlace&) = delete;
  ~StagingPlace() { remove(); }

  [[nodiscard]] const base::CheckpointId& id() const { return id_; }
  // On the store's disk, so that what is made there can be renamed into place.
  [[nodiscard]] path directory() const { return layout_.staged(id_); }
  // For CRIU's files, which are plain: in memory (a tmpfs) if that has room, else in directory().
  [[nodiscard]] const path& spool() const { return spool_; }

  void remove();

 private:
  StagingPlace(const StoreLayout& layout, base::CheckpointId id, sys::FileLock lock)
      : layout_(layout), id_(std::move(id)), lock_(std::move(lock)) {}
  Result<void> make_directories(std::uint64_t plain_bytes);

  StoreLayout layout_;
  base::CheckpointId id_;
  path spool_;
  std::optional<sys::FileLock> lock_;
};

// Removes what writers and readers left that died; returns how many there were. Nothing of those
// that live is touched.
Result<int> sweep_staging(const StoreLayout& layout);

// Ids of the writers and readers that live now.
Result<std::vector<base::CheckpointId>> living(const StoreLayout& layout);
// The same, for whoever holds creation_lock().
Result<std::vector<base::CheckpointId>> living_while_locked(const StoreLayout& layout);

}  // namespace reprise::store
