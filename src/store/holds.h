// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints that somebody still reads from, although nobody will start from them again: memory of
// restored containers comes from them for a while. CheckpointStore::hold() says what a hold does.
#pragma once

#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "sys/file_lock.h"

namespace reprise::store {

// As long as it lives, nobody gets a hold on the checkpoint.
class RemovalLock {
 public:
  RemovalLock(RemovalLock&&) noexcept = default;
  RemovalLock& operator=(RemovalLock&&) = delete;
  RemovalLock(const RemovalLock&) = delete;
  RemovalLock& operator=(const RemovalLock&) = delete;
  ~RemovalLock();  // its file goes as well

 private:
  friend base::Result<RemovalLock> lock_for_removal(const std::filesystem::path& holds,
                                                    const base::CheckpointId& id);
  RemovalLock(std::filesystem::path file, sys::FileLock lock)
      : file_(std::move(file)), lock_(std::move(lock)) {}
  std::filesystem::path file_;
  sys::FileLock lock_;
};

// `holds` is StoreLayout::holds_in(). Made if missing.
base::Result<sys::FileLock> hold_checkpoint(const std::filesystem::path& holds,
                                            const base::CheckpointId& id);
// kBusy, with a hint, if somebody has a hold on it.
base::Result<RemovalLock> lock_for_removal(const std::filesystem::path& holds,
                                           const base::CheckpointId& id);
// Those on which there is a hold. What was left by holds that have ended is removed.
base::Result<std::vector<base::CheckpointId>> held_checkpoints(const std::filesystem::path& holds);

}  // namespace reprise::store
